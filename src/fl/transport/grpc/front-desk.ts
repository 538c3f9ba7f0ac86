import { stat } from 'node:fs/promises';
import type { Clock } from '../../../clock.ts';
import { delay } from '../../../clock.ts';
import type { Random } from '../../../random.ts';
import type { ClientObservation } from '../../round/client-state.ts';
import { FINISHED_WORDS } from '../../round/protocol-texts.ts';
import { participantKey, runPaths } from '../../round/run-folder.ts';
import { createClientObserver } from '../client-observer.ts';
import type { Workdir } from '../workdir.ts';
import { Attendance } from './attendance.ts';
import type { NamePolicy } from './certificate-names.ts';
import type { DeskAnswer, DeskModel } from './desk-answer.ts';
import { DESK_TEXTS } from './desk-answer.ts';
import { Heartbeats } from './heartbeats.ts';
import { Reception, receptionAnswer } from './reception.ts';
import type { Peer, Seat, Seats } from './seats.ts';
import { isSamePeer } from './seats.ts';
import { Turns } from './turns.ts';
import { storeUpload } from './upload-store.ts';
import type { AnswerNote, RequestNote } from './wire-notes.ts';

/** The longest task configuration that is read. Units: bytes. */
const TASK_MAX_BYTES = 16_777_216;

export interface FrontDeskOptions {
  readonly workdir: Workdir;
  readonly run: string;
  readonly seats: Seats;
  readonly clock: Clock;
  readonly random: Random;
  /** Whether a participant that was lost is taken back when it is heard of again. */
  readonly rejoin: boolean;
  /** Who decides what a client with a certificate may be called. */
  readonly names: NamePolicy;
  /** What clients are told to keep to. */
  readonly limits: NonNullable<AnswerNote['limits']>;
  /** Called with what a person should know, in one line. */
  readonly onTrouble: (message: string) => void;
}

type Observer = ReturnType<typeof createClientObserver>;

/**
 * Stands in the run folder for every participant that is at the other end of a connection: its calls become the
 * files that it would write into a shared folder, and what the folder shows becomes its answers.
 *
 * Guarantees: the server over this folder is the one that runs over Box; a name becomes part of a path only after
 * it was judged; an upload that was answered is on the disk.
 */
export class FrontDesk {
  readonly #options: FrontDeskOptions;
  readonly #observers = new Map<string, Observer>();
  readonly #heartbeats: Heartbeats;
  readonly #attendance: Attendance;
  readonly #reception: Reception;
  readonly #turns = new Turns();

  constructor(options: FrontDeskOptions) {
    this.#options = options;
    const timeoutMs = options.limits.heartbeat_timeout * 1_000;
    this.#heartbeats = new Heartbeats({ ...options, timeoutMs });
    this.#attendance = new Attendance(options.clock, timeoutMs);
    this.#reception = new Reception({
      ...options,
      heartbeats: this.#heartbeats,
      attendance: this.#attendance,
      turns: this.#turns,
      isLost: async (seat) => (await this.#look(seat)).lost,
    });
  }

  /** How many participants could send uploads from where a call comes from. */
  seatsOf(peer: Peer): number {
    return this.#options.seats.all().filter((seat) => !seat.closed && isSamePeer(seat, peer)).length;
  }

  /** The participant that a token belongs to; undefined for a token that opens nothing here. */
  holderOf(token: string, peer: Peer): string | undefined {
    return this.#seatOf(token, peer)?.name;
  }

  async authenticate(name: string, peer: Peer, note: RequestNote | undefined): Promise<DeskAnswer<string>> {
    const received = await this.#reception.receive(name, peer, note);
    const refusal = receptionAnswer(received, this.#note(null));
    if (refusal !== undefined || received === undefined || !('seat' in received))
      return refusal ?? this.#invalid();
    const { seat } = received;
    const { limits } = this.#options;
    return { kind: 'ok', value: seat.token, note: { ...this.#note(await this.#look(seat)), limits } };
  }

  async heartbeat(token: string, peer: Peer): Promise<DeskAnswer<null>> {
    const seat = this.#seatOf(token, peer);
    if (seat === undefined) return this.#invalid();
    const { ended, lost } = await this.#look(seat);
    if (lost && !this.#options.rejoin) return this.#cutOff();
    if (ended === null) await this.#heartbeats.beat(seat.name);
    return { kind: 'ok', value: null, note: null };
  }

  async close(token: string, peer: Peer, note: RequestNote | undefined): Promise<DeskAnswer<null>> {
    const { workdir, run, seats } = this.#options;
    const seat = this.#seatOf(token, peer);
    if (seat === undefined) return this.#invalid();
    const { name } = seat;
    await seats.change(seat.token, { closed: true });
    this.#attendance.told(name);
    const { ended, round } = await this.#look(seat);
    // After the end it only says that it has heard of it.
    if (ended !== null) return { kind: 'ok', value: null, note: null };
    const open = round?.final === true ? null : (round?.round ?? null);
    const isFitting = note?.failure === undefined || note.failure.round === open;
    if (note?.failure !== undefined && isFitting) {
      const failure = { ...note.failure, participant: name };
      await workdir.write(
        runPaths.failed(run, note.failure.round, name),
        `${JSON.stringify(failure, undefined, 1)}\n`,
      );
    }
    await workdir.write(runPaths.departed(run, name), '');
    if (isFitting) return { kind: 'ok', value: null, note: null };
    const what = open === null ? 'no round is open' : `round ${open} is open`;
    return {
      kind: 'unfit',
      text: `you have left, but the failure is not noted: ${what}, and it is said to be of round ${note?.failure?.round}`,
    };
  }

  async requestModel(
    token: string,
    peer: Peer,
    note: RequestNote | undefined,
  ): Promise<DeskAnswer<DeskModel>> {
    const seat = this.#seatOf(token, peer);
    if (seat === undefined) return this.#invalid();
    const seen = await this.#look(seat);
    const { ended, lost, round } = seen;
    if (ended !== null) return this.#tellEnd(seat, seen, note);
    if (lost && !this.#options.rejoin) return this.#cutOff();
    // A call is a sign of life, too.
    if (lost) await this.#heartbeats.beat(seat.name);
    if (round === null) return { kind: 'wait', text: DESK_TEXTS.waitingForClients, note: this.#note(seen) };
    const have = note?.have ?? seat.fetched;
    if (have >= round.round || round.hasOwnUpdate || !round.present)
      return { kind: 'wait', text: DESK_TEXTS.nextRound, note: this.#note(seen) };
    return this.#give(seat, seen, round.round);
  }

  async sendCheckpoint(
    message: { readonly token: string; readonly content: Buffer },
    peer: Peer,
    note: RequestNote | undefined,
  ): Promise<DeskAnswer<null>> {
    const seat = this.#seatOf(message.token, peer);
    if (seat === undefined) return this.#invalid();
    const seen = await this.#look(seat);
    if (seen.ended !== null) return this.#denyEnd(seat, seen);
    if (seen.lost && !this.#options.rejoin) return this.#cutOff();
    const newest = seen.round?.round ?? 0;
    const round = note?.update?.round ?? seat.fetched;
    if (round < 1 || round > newest)
      return {
        kind: 'unfit',
        text: `no checkpoint is wanted: round ${newest} is open, and this is for ${round}`,
      };
    const upload = { name: seat.name, round, content: message.content, update: note?.update };
    await this.#turns.take(`name ${participantKey(seat.name)}`, () => storeUpload(this.#options, upload));
    return { kind: 'ok', value: null, note: null };
  }

  /** Wait until every participant that is still there knows how the run ended, or for `timeoutMs`: nobody waits for
   * whoever has been silent for longer than a participant may be; `isForAll` waits also for those not heard of yet. */
  async farewell(timeoutMs: number, signal: AbortSignal, isForAll = false): Promise<void> {
    const { clock, seats } = this.#options;
    const deadlineMs = clock.monotonic() + timeoutMs;
    while (clock.monotonic() < deadlineMs && !signal.aborted) {
      const waiting: Seat[] = [];
      for (const seat of seats.all())
        if (this.#attendance.isOwedFarewell(seat, isForAll) && !(await this.#look(seat)).lost)
          waiting.push(seat);
      if (waiting.length === 0) return;
      await delay(clock, 50, signal);
    }
  }

  #invalid(text: string = DESK_TEXTS.tokenInvalid): {
    readonly kind: 'denied';
    readonly text: string;
    readonly note: null;
  } {
    return { kind: 'denied', text, note: null };
  }

  /** What was lost and is not taken back learns why: kMoL's clients print it, and nothing else tells them. */
  #cutOff() {
    return this.#invalid(DESK_TEXTS.cutOff(this.#options.limits.heartbeat_timeout));
  }

  #seatOf(token: string, peer: Peer): Seat | undefined {
    const seat = this.#options.seats.holding(token);
    if (seat === undefined || seat.closed || !isSamePeer(seat, peer)) return undefined;
    this.#attendance.heard(seat.name);
    return seat;
  }

  async #look({ name }: Seat): Promise<ClientObservation> {
    const { workdir, run } = this.#options;
    const key = participantKey(name);
    const observer = this.#observers.get(key) ?? createClientObserver(workdir, run, name);
    this.#observers.set(key, observer);
    return observer.observe({ training: null, admitted: true });
  }

  #note(seen: ClientObservation | null): AnswerNote {
    const round = seen?.round ?? null;
    return {
      run: this.#options.run,
      round: round?.round ?? null,
      final: round?.final === true,
      delivered: round?.hasOwnUpdate === true,
      refused: round?.refused ?? null,
      lost: seen?.lost === true,
      ended: seen?.ended?.text ?? null,
    };
  }

  async #give(seat: Seat, seen: ClientObservation, round: number): Promise<DeskAnswer<DeskModel>> {
    const { workdir, run, seats } = this.#options;
    const configuration = await workdir.read(runPaths.task(run), TASK_MAX_BYTES);
    if (configuration === undefined) return { kind: 'away', text: 'the task configuration is not here' };
    const path = workdir.absolutePath(runPaths.aggregate(run, round));
    const checkpointPath = seen.round?.source === 'aggregate' ? path : null;
    const sizeBytes = checkpointPath === null ? 0 : (await stat(checkpointPath)).size;
    if (seat.fetched !== round) await seats.change(seat.token, { fetched: round });
    return { kind: 'ok', value: { configuration, checkpointPath, sizeBytes }, note: this.#note(seen) };
  }

  /** Our own clients take the final model along; kMoL's know of none and are sent home. */
  async #tellEnd(
    seat: Seat,
    seen: ClientObservation,
    note: RequestNote | undefined,
  ): Promise<DeskAnswer<DeskModel>> {
    const { ended, round } = seen;
    const isFinished = ended?.text?.startsWith(FINISHED_WORDS) === true;
    if (note?.have === undefined || !isFinished) return this.#denyEnd(seat, seen);
    if (round?.final !== true)
      return { kind: 'wait', text: 'The final model is not available yet.', note: this.#note(seen) };
    if (note.have >= round.round) return this.#denyEnd(seat, seen);
    return this.#give(seat, seen, round.round);
  }

  #denyEnd(seat: Seat, seen: ClientObservation): DeskAnswer<never> {
    this.#attendance.told(seat.name);
    const text = seen.ended?.text ?? '';
    const isFinished = text.startsWith(FINISHED_WORDS);
    return {
      kind: 'denied',
      text: isFinished ? DESK_TEXTS.finished : text.split('\n', 1)[0] || 'The session was closed.',
      note: this.#note(seen),
    };
  }
}
