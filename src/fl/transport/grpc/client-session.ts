import { status } from '@grpc/grpc-js';
import type { Clock } from '../../../clock.ts';
import { delay } from '../../../clock.ts';
import { messageOf, RejectedError, TransientError } from '../../../errors.ts';
import type { Logger } from '../../../logger.ts';
import type { ClientObservation, TrainedUpdate } from '../../round/client-state.ts';
import type { FederationEvent } from '../../round/event.ts';
import { FINISHED_WORDS } from '../../round/protocol-texts.ts';
import { isExpected } from '../background.ts';
import { beatPeriodMs } from '../beat-period.ts';
import type { ClientLook, ClientSession, Delivery, HeldAggregate } from '../client-transport.ts';
import { contentFacts } from '../start-model.ts';
import type { ClientLink, Reply } from './client-link.ts';
import { isPassing, isTooLarge } from './client-link.ts';
import type { ClientMemory } from './client-memory.ts';
import type { ClientView } from './client-view.ts';
import { heedNote, observationOf } from './client-view.ts';
import type { Diagnosis } from './connection-diagnosis.ts';
import { encodeFileMessage } from './file-message.ts';
import { assertFits, assertHeartbeat } from './server-limits.ts';
import type { ModelMessage, TokenMessage } from './wire-definition.ts';

/** The longest pause between two tries to reach the server. Units: milliseconds. */
const RECONNECT_MAX_MS = 30_000;
/** How long saying goodbye may take. Units: milliseconds. */
const LEAVE_TIMEOUT_MS = 5_000;

export interface ClientSessionOptions {
  readonly link: ClientLink;
  readonly memory: ClientMemory;
  readonly target: string;
  readonly name: string;
  readonly run: string;
  /** How long to wait before asking for the next model again. Units: milliseconds. */
  readonly retryTimeoutMs: number;
  /** How often this client says that it is alive. Units: milliseconds. */
  readonly heartbeatFrequencyMs: number | null;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onEvent: (event: FederationEvent) => void;
  /** Why no connection comes about; undefined when nothing is found. */
  readonly diagnose: (target: string) => Promise<Diagnosis | undefined>;
  /** Called whenever another look shows something new. */
  readonly onChange: () => void;
  /** Ask the server to admit this client, again. */
  readonly authenticate: () => Promise<Reply<TokenMessage>>;
}

/**
 * One client's part in one run over a connection: asks for models, keeps them on the disk, delivers updates.
 *
 * Guarantees: a lost connection is nobody's end; what it asks twice does no harm.
 */
export class GrpcClientSession implements ClientSession {
  readonly folder: string;
  readonly #options: ClientSessionOptions;
  readonly #stop = new AbortController();
  #view: ClientView;
  #asking: Promise<void> | undefined;
  #askNow = new AbortController();
  #failures = 0;
  /** True when it ends for this client alone: the others must not wait for it. */
  #gaveUp = false;
  #fault: unknown;

  constructor(options: ClientSessionOptions, view: ClientView) {
    this.#options = options;
    this.#view = view;
    this.folder = options.memory.folderOf(options.run);
  }

  connected(): boolean {
    // A server that is out of reach goes on without this client: its silence is no reason to wait for it.
    return true;
  }

  trouble(): null {
    return null;
  }

  async observe({ training }: ClientLook): Promise<ClientObservation> {
    if (this.#fault !== undefined) throw this.#fault;
    assertHeartbeat(this.#view, this.#options.heartbeatFrequencyMs);
    this.#asking ??= this.#keepAsking();
    return observationOf(this.#view, training);
  }

  async claim(): Promise<void> {
    // Connecting was the claim.
  }

  async beat(): Promise<void> {
    const { token } = this.#view;
    if (token === null || this.#view.ended !== null) return;
    const reply = await this.#options.link.heartbeat(token);
    if (reply.code === status.PERMISSION_DENIED) this.#askNow.abort();
    else if (reply.code !== status.OK) throw this.#unreached('a heartbeat', reply);
  }

  async beatPeriodMs(): Promise<number> {
    const timeoutSeconds = this.#view.limits?.heartbeat_timeout ?? null;
    const configuredMs = this.#options.heartbeatFrequencyMs;
    return beatPeriodMs({ configuredMs, timeoutSeconds, isCounted: false });
  }

  readTask(): Promise<Buffer | undefined> {
    return this.#options.memory.readTask(this.#options.run);
  }

  aggregatePath(round: number): string {
    return this.#options.memory.modelPath(this.#options.run, round).aggregate;
  }

  async aggregate(round: number): Promise<HeldAggregate> {
    // What came over the connection stands where only this client writes.
    const path = this.aggregatePath(round);
    return { path, version: await contentFacts(path), sha256: null };
  }

  async publish(update: TrainedUpdate, { signal }: Delivery): Promise<void> {
    const { link } = this.#options;
    const { round, sha256, sizeBytes, samples, metrics, startSha256, seconds, checkpointPath } = update;
    const { token } = this.#view;
    assertFits(this.#view, sizeBytes, link.sendMaxBytes);
    if (token === null)
      throw new TransientError({ code: 'not-admitted', message: 'the server does not know this client now' });
    const message = await encodeFileMessage({ first: Buffer.from(token), path: checkpointPath });
    const meta = {
      round,
      samples,
      metrics,
      sha256,
      size_bytes: sizeBytes,
      start_sha256: startSha256,
      seconds,
    };
    const reply = await link.sendCheckpoint(
      message,
      { token, update: meta },
      AbortSignal.any([this.#stop.signal, signal]),
    );
    if (isTooLarge(reply))
      throw new RejectedError({
        code: 'message-too-large',
        message: `the server does not take a checkpoint of ${sizeBytes} bytes: ${reply.details} (grpc.max_receive_message_length of the server)`,
      });
    if (reply.code !== status.OK) {
      // Why not is what the next question for a model finds out.
      this.#askNow.abort();
      throw this.#unreached(`the checkpoint of round ${round}`, reply);
    }
    await this.#become({ ...this.#view, delivered: round, refused: null });
  }

  async reportFailure(round: number, message: string): Promise<void> {
    await this.#leave({ failure: { round, message } });
  }

  async close(over: boolean): Promise<void> {
    this.#stop.abort();
    this.#askNow.abort();
    await this.#asking;
    // kMoL's server has shut its door by then and wants no goodbye.
    if (!over || this.#gaveUp || !this.#view.withoutModel) await this.#leave({});
  }

  async #leave(note: Parameters<ClientLink['leave']>[1]): Promise<void> {
    const { token } = this.#view;
    if (token === null) return;
    this.#view = { ...this.#view, token: null };
    await this.#options.link.leave(token, note, LEAVE_TIMEOUT_MS);
  }

  async #keepAsking(): Promise<void> {
    const { clock, retryTimeoutMs } = this.#options;
    const { signal } = this.#stop;
    while (!signal.aborted && !this.#isOver()) {
      const pauseMs = await this.#ask().catch((error: unknown) => {
        if (!isExpected(error)) this.#fail(error);
        // The disk, for one: the same question again finds out whether it passed.
        this.#options.logger.error({ error: messageOf(error) }, 'A model could not be kept; trying again.');
        return retryTimeoutMs;
      });
      if (this.#askNow.signal.aborted && !signal.aborted) this.#askNow = new AbortController();
      if (pauseMs > 0 && !this.#isOver()) await delay(clock, pauseMs, this.#askNow.signal);
    }
  }

  /** A bug, or what a person must mend: whoever looks next throws it. */
  #fail(error: unknown): void {
    this.#fault = error;
    this.#stop.abort();
    this.#options.onChange();
  }

  #isOver(): boolean {
    const { ended, refusal, newerRun, token, final, withoutModel } = this.#view;
    const hasAll = withoutModel || final === true || ended?.startsWith(FINISHED_WORDS) === false;
    return refusal !== null || newerRun !== null || token === null || (ended !== null && hasAll);
  }

  /** Ask once for the next model. Returns how long to wait before the next time. */
  async #ask(): Promise<number> {
    const { link, retryTimeoutMs } = this.#options;
    const { token, round } = this.#view;
    const reply = await link.requestModel(token ?? '', { have: round }, this.#stop.signal);
    if (this.#stop.signal.aborted) return 0;
    if (isPassing(reply)) return this.#backOff(reply);
    this.#failures = 0;
    if (reply.code === status.OK && reply.value !== undefined && !Buffer.isBuffer(reply.value)) {
      await this.#receive(reply.value, reply);
      return 0;
    }
    if (isTooLarge(reply)) {
      await this.#end(
        `the model is larger than one message may be: ${reply.details} (grpc.max_receive_message_length of this client)`,
      );
      return 0;
    }
    if (reply.code === status.RESOURCE_EXHAUSTED) {
      await this.#become(heedNote(this.#view, reply.note));
      return retryTimeoutMs;
    }
    await this.#heedRefusal(reply);
    return retryTimeoutMs;
  }

  async #backOff(reply: Reply<unknown>): Promise<number> {
    const { retryTimeoutMs, target, logger, onEvent } = this.#options;
    this.#failures += 1;
    const pauseMs = Math.min(RECONNECT_MAX_MS, retryTimeoutMs * 2 ** (this.#failures - 1));
    logger.warn({ target, details: reply.details, pauseMs }, 'The server cannot be reached; trying again.');
    if (this.#failures === 2) {
      const why = (await this.#options.diagnose(target))?.message ?? reply.details;
      const message = `the server at ${target} cannot be reached (${why}); trying again`;
      onEvent({ event: 'waiting', what: 'server', participants: [], until: null, message });
    }
    return pauseMs;
  }

  async #receive(model: ModelMessage, { note }: Reply<unknown>): Promise<void> {
    const { memory, run } = this.#options;
    // kMoL's server does not say which round it is; it gives each one's model once, in their order.
    const round = note?.round ?? this.#view.round + 1;
    await memory.keepModel(run, round, model.json_configuration, model.latest_checkpoint);
    const source = model.latest_checkpoint.length > 0 ? 'aggregate' : 'nothing';
    const final = note === undefined ? null : note.final;
    await this.#become({ ...heedNote(this.#view, note), round, source, final, refused: null });
  }

  /** The server gives no model and will not: the run has ended, or it does not know this client. */
  async #heedRefusal(reply: Reply<unknown>): Promise<void> {
    const { note, code, details } = reply;
    if (note !== undefined && note.ended !== null) {
      const isKept = this.#view.final === true;
      await this.#become({ ...heedNote(this.#view, note), withoutModel: !isKept });
    } else if (
      code === status.PERMISSION_DENIED &&
      /rounds have been completed|closing session/i.test(details)
    ) {
      await this.#become({ ...this.#view, ended: FINISHED_WORDS, withoutModel: true });
    } else if (code === status.PERMISSION_DENIED) {
      await this.#return(details);
    } else {
      await this.#end(details);
    }
  }

  /** The token opens nothing any more: take the place again, or learn that it is gone. */
  async #return(why: string): Promise<void> {
    const { authenticate, run } = this.#options;
    const reply = await authenticate();
    if (isPassing(reply)) return;
    if (reply.value === undefined) {
      await this.#end(reply.note?.ended ?? `the server cut this client off: ${reply.details || why}`);
      return;
    }
    const { token } = reply.value;
    const newRun = reply.note?.run ?? run;
    if (newRun === run) await this.#become({ ...heedNote(this.#view, reply.note), token });
    else await this.#become({ ...this.#view, token: null, newerRun: newRun });
  }

  async #end(text: string): Promise<void> {
    this.#gaveUp = true;
    await this.#become({ ...this.#view, ended: text, withoutModel: true });
  }

  async #become(view: ClientView): Promise<void> {
    const { memory, target, run, onChange } = this.#options;
    const before = this.#view;
    this.#view = view;
    const { token, round, delivered } = view;
    const isNew = token !== before.token || round !== before.round || delivered !== before.delivered;
    if (token !== null && isNew) await memory.remember({ target, run, token, round, delivered });
    if (JSON.stringify(view) !== JSON.stringify(before)) onChange();
  }

  #unreached(what: string, reply: Reply<unknown>): TransientError {
    return new TransientError({
      code: 'not-delivered',
      message: `${what} did not reach the server at ${this.#options.target}: ${reply.details}`,
      data: { code: status[reply.code] },
    });
  }
}
