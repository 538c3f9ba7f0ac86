import type { Clock } from '../../../clock.ts';
import { CONTROL_FILE_MAX_BYTES } from '../../round/protocol-texts.ts';
import { nameProblem, participantKey, runPaths } from '../../round/run-folder.ts';
import type { Workdir } from '../workdir.ts';
import { askForAdmission } from './admission.ts';
import type { Attendance } from './attendance.ts';
import type { NamePolicy } from './certificate-names.ts';
import { certificateProblem } from './certificate-names.ts';
import type { DeskAnswer } from './desk-answer.ts';
import { DESK_TEXTS } from './desk-answer.ts';
import type { Heartbeats } from './heartbeats.ts';
import { createOnceTeller } from './once-teller.ts';
import type { Peer, Seat, Seats } from './seats.ts';
import { isSamePeer } from './seats.ts';
import type { Turns } from './turns.ts';
import type { AnswerNote, RequestNote } from './wire-notes.ts';

export interface ReceptionOptions {
  readonly workdir: Workdir;
  readonly run: string;
  readonly seats: Seats;
  readonly clock: Clock;
  readonly names: NamePolicy;
  readonly heartbeats: Heartbeats;
  readonly attendance: Attendance;
  /** One claim or upload of a name at a time. */
  readonly turns: Turns;
  /** Whether a participant counts as lost. */
  readonly isLost: (seat: Seat) => Promise<boolean>;
  /** Called with what a person should know, in one line. */
  readonly onTrouble: (message: string) => void;
}

const refused = (why: string) => ({ refusal: DESK_TEXTS.refused(why) }) as const;

/** How somebody was received. */
export type Received = { readonly seat: Seat } | { readonly refusal: string; readonly ended?: string };

/**
 * Gives names to those who come.
 *
 * Guarantees: a name becomes part of a path only after it was judged; with `names` "certificate" it is one that the
 * certificate was made for; no certificate ever has two.
 */
export class Reception {
  readonly #options: ReceptionOptions;
  readonly #tell: (message: string) => void;

  constructor(options: ReceptionOptions) {
    this.#options = options;
    this.#tell = createOnceTeller(options.onTrouble);
  }

  /** Admit, take back, or refuse. Undefined when the server comes to no decision. */
  async receive(name: string, peer: Peer, note: RequestNote | undefined): Promise<Received | undefined> {
    const { names, turns } = this.#options;
    const problem = nameProblem(name);
    if (problem !== undefined) return refused(`${problem}.`);
    const { certificate } = peer;
    const foreign =
      certificate !== null && names === 'certificate' ? certificateProblem(peer.names, name) : undefined;
    if (foreign !== undefined) return this.#foreignName(name, peer, foreign);
    const admit = () => turns.take(`name ${participantKey(name)}`, () => this.#admit(name, peer, note));
    // Two names that one certificate asks for at once are asked for one after the other.
    return certificate === null ? admit() : turns.take(`certificate ${certificate}`, admit);
  }

  async #admit(name: string, peer: Peer, note: RequestNote | undefined): Promise<Received | undefined> {
    const { seats, workdir, run } = this.#options;
    const known = seats.named(name);
    const ended = await workdir.read(runPaths.ended(run), CONTROL_FILE_MAX_BYTES);
    if (ended !== undefined) return { ...refused('The session is over.'), ended: ended.toString('utf8') };
    const other = this.#otherSeat(name, peer);
    if (other !== undefined)
      return this.#foreignName(
        name,
        peer,
        `The certificate of this client takes part as ${other.name} already.`,
      );
    if (known !== undefined && !(await this.#mayReturn(known, name, peer, note)))
      return refused(`The name ${name} is taken.`);
    const answer =
      known === undefined ? await askForAdmission(this.#options, name) : ('authenticated' as const);
    if (answer === undefined) return undefined;
    if (answer !== 'authenticated') return answer;
    return { seat: await this.#seat(known, name, peer, note) };
  }

  async #seat(
    known: Seat | undefined,
    name: string,
    peer: Peer,
    note: RequestNote | undefined,
  ): Promise<Seat> {
    const { seats, workdir, run, attendance, heartbeats } = this.#options;
    // Whoever only took over an abandoned name learns nothing that opens the earlier holder's calls.
    const isHolder = known !== undefined && (isSamePeer(known, peer) || note?.token === known.token);
    const token = isHolder ? known.token : seats.newToken();
    const { address, certificate } = peer;
    const seat: Seat = { address, certificate, name, token, fetched: 0, closed: false };
    await seats.put(seat);
    attendance.returned(name);
    // Whoever comes back is heard of at once, whatever it said when it left.
    if (known !== undefined) {
      await workdir.remove(runPaths.departed(run, name));
      heartbeats.forget(name);
      await heartbeats.beat(name);
    }
    return seat;
  }

  /** Somebody asks for a name that is not its own: whoever runs the server should know. */
  #foreignName(name: string, { address }: Peer, why: string) {
    this.#tell(`${name} was refused (from ${address}): ${why}`);
    return refused(why);
  }

  /** The seat that this certificate has under another name, left or not: over Box, too, an account keeps its name. */
  #otherSeat(name: string, { certificate }: Peer): Seat | undefined {
    if (certificate === null) return undefined;
    const key = participantKey(name);
    return this.#options.seats.of(certificate).find((seat) => participantKey(seat.name) !== key);
  }

  /** A name belongs to whoever took it: known by its token, its certificate, or its address. */
  async #mayReturn(known: Seat, name: string, peer: Peer, note: RequestNote | undefined): Promise<boolean> {
    if (known.name !== name) return false;
    if (isSamePeer(known, peer) || note?.token === known.token) return true;
    // A certificate that was renewed: the root vouches for the name, as it did for the one before.
    if (known.certificate !== null && peer.certificate !== null) return this.#options.names === 'certificate';
    // Without certificates an address is all there is, and a restarted machine may have got another one.
    if (known.certificate !== null || peer.certificate !== null) return false;
    return known.closed || (await this.#options.isLost(known));
  }
}

/** What a refusal or an admission adds to an answer. */
export function receptionAnswer(
  received: Received | undefined,
  plain: AnswerNote,
): Exclude<DeskAnswer<never>, { kind: 'ok' }> | undefined {
  if (received === undefined)
    return { kind: 'away', text: 'the server did not come to a decision; try again' };
  if (!('refusal' in received)) return undefined;
  const { refusal, ended } = received;
  return { kind: 'denied', text: refusal, note: ended === undefined ? plain : { ...plain, ended } };
}
