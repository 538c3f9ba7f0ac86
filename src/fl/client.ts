import type { Clock } from '../clock.ts';
import { AuthError, ConfigError, CorruptError, messageOf, RoundError } from '../errors.ts';
import type { Logger } from '../logger.ts';
import type { Executor } from './executor/executor.ts';
import { stepClient } from './round/client-machine.ts';
import type {
  ClientEnding,
  ClientRecord,
  ClientResult,
  ClientSettings,
  ClientState,
  ClientStep,
} from './round/client-state.ts';
import { newClientState, resumedClientState } from './round/client-state.ts';
import type { FederationEvent } from './round/event.ts';
import { CLIENT_RECORD } from './round/record-schema.ts';
import type { Announcer } from './transport/announcer.ts';
import { createAnnouncer } from './transport/announcer.ts';
import type { Background } from './transport/background.ts';
import { createBackground, isExpected } from './transport/background.ts';
import { ClientEffects } from './transport/client-effects.ts';
import { resultsFolder, stateFilePath } from './transport/client-results.ts';
import type { ClientSession, ClientTransport } from './transport/client-transport.ts';
import { folderClientTransport } from './transport/folder-client.ts';
import { startHeartbeat } from './transport/heartbeat.ts';
import { History } from './transport/history.ts';
import { LongWaits } from './transport/long-wait.ts';
import type { CopyModel } from './transport/start-model.ts';
import { createStateFile, loadState } from './transport/state-file.ts';
import type { Wake } from './transport/wake.ts';
import { createWake, pauseAfter } from './transport/wake.ts';
import type { Workdir } from './transport/workdir.ts';

/** How one participant takes part, whatever the transport. */
export interface ParticipationOptions {
  readonly name: string;
  readonly settings: ClientSettings;
  readonly heartbeatFrequencyMs: number;
  readonly modelOverwrites: Readonly<Record<string, unknown>>;
  /** Where the client's own results go, one folder per run. */
  readonly savePath: string;
  /** The run to take part in; null takes the newest that has not ended. */
  readonly run: string | null;
  readonly transport: ClientTransport;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly executor: Executor;
  /** How the model that a training starts from is read and written anew. Default: by this project's codec. */
  readonly copyModel?: CopyModel;
  readonly onEvent: (event: FederationEvent) => void;
  /** Aborted to leave; the next start goes on. */
  readonly signal: AbortSignal;
}

/** As `ParticipationOptions`, over a shared folder. */
export interface FederationClientOptions extends Omit<ParticipationOptions, 'transport'> {
  readonly workdir: Workdir;
  /** The account that this site takes for its server's, by name or id; null takes the one that made the run. */
  readonly serverAccount?: string | null;
}

/** How taking part ended. */
export interface ClientOutcome {
  /** Null when no run was found before the client was told to leave. */
  readonly run: string | null;
  /** Null when the client was told to leave. */
  readonly ending: ClientEnding | null;
}

/** The longest sleep between two looks. Units: milliseconds. */
const LOOK_INTERVAL_MAX_MS = 2_000;

/** Wait for a run to take part in; undefined when told to leave. */
async function awaitRun(options: ParticipationOptions, wake: Wake): Promise<string | undefined> {
  const { signal, onEvent, logger, transport } = options;
  const wish = { run: options.run, wasPartOf: (run: string) => wasPartOf(options, run) };
  let said = '';
  while (!signal.aborted) {
    try {
      const found = await transport.findRun(wish);
      if ('run' in found) return found.run;
      const message = found.awaited;
      if (message !== said)
        onEvent({ event: 'waiting', what: 'run', participants: [], until: null, message });
      said = message;
    } catch (error) {
      // A damaged state file stays damaged, and a refused certificate refused, until a person mends it.
      if (!isExpected(error) || error instanceof CorruptError || error instanceof AuthError) throw error;
      logger.error({ error: messageOf(error) }, 'The shared folder could not be looked at; trying again.');
    }
    await wake.sleep(pauseAfter(0), LOOK_INTERVAL_MAX_MS, signal);
  }
  return undefined;
}

/** Whether this client was in the middle of a run when it was stopped: then its end concerns it. */
async function wasPartOf(options: ParticipationOptions, run: string): Promise<boolean> {
  const record = await loadState(stateFilePath(options, run), CLIENT_RECORD);
  return record?.admitted === true && !record.over;
}

/** One client process's life in one run: looks, lets the machine decide, keeps its decision, does what it asks. */
class ClientLoop {
  readonly #options: ParticipationOptions;
  readonly #wake: Wake;
  readonly #background: Background;
  readonly #effects: ClientEffects;
  readonly #session: ClientSession;
  readonly #results: ClientResult[] = [];
  readonly #save: (record: ClientRecord) => Promise<void>;
  #state: ClientState;
  #heartbeat: { stop(): Promise<void> } | undefined;
  readonly #say: Announcer;
  readonly #longWaits = new LongWaits();
  #fault: unknown;

  constructor(options: ParticipationOptions, wake: Wake, state: ClientState, session: ClientSession) {
    this.#options = options;
    this.#wake = wake;
    this.#state = state;
    const { clock, logger } = options;
    const { run } = state.record;
    this.#say = createAnnouncer(clock, options.onEvent);
    this.#background = createBackground({
      clock,
      logger,
      onEnd: () => wake.hint(),
      onFault: (error) => {
        this.#fault = error;
      },
      onTrouble: (message) => this.#say.trouble(message),
    });
    this.#session = session;
    this.#effects = new ClientEffects({
      ...options,
      session,
      results: resultsFolder(options, run),
      background: this.#background,
      onResult: (result) => void this.#results.push(result),
    });
    const file = createStateFile<ClientRecord>(stateFilePath(options, run));
    this.#save = (record) => file.save(record);
  }

  async run(): Promise<ClientEnding | null> {
    const { signal } = this.#options;
    await this.#save(this.#state.record);
    try {
      while (!signal.aborted && this.#state.ending === null) {
        const beganAtMs = this.#options.clock.monotonic();
        const step = await this.#step();
        if (this.#fault !== undefined) throw this.#fault;
        if (this.#state.ending !== null) break;
        const pauseMs = pauseAfter(this.#options.clock.monotonic() - beganAtMs);
        await this.#wake.sleep(pauseMs, this.#sleepMs(step), signal);
      }
    } finally {
      await this.#heartbeat?.stop();
      await this.#background.close();
    }
    return this.#state.ending;
  }

  /** One look and what follows from it; null when the folder could not be looked at. */
  async #step(): Promise<ClientStep | null> {
    const { settings, clock, logger, onEvent } = this.#options;
    try {
      const { admitted } = this.#state.record;
      this.#background.beginLook();
      const observation = await this.#session.observe({ training: this.#effects.training, admitted });
      const results = [...this.#results];
      const instant = { nowMs: clock.now(), monotonicMs: clock.monotonic() };
      const step = stepClient(this.#state, { observation, results, instant, settings });
      // What was decided is kept before anything of it is done.
      await this.#save(step.state.record);
      this.#state = step.state;
      this.#results.splice(0, results.length);
      for (const event of step.events) onEvent(event);
      this.#sayAwaited(step);
      for (const action of step.actions) await this.#effects.perform(action);
      if (observation.claim !== null && observation.claim.answer !== 'error') this.#startHeartbeat();
      return step;
    } catch (error) {
      if (!isExpected(error)) throw error;
      logger.error(
        { error: messageOf(error) },
        'The run folder could not be looked at or written; trying again.',
      );
      this.#say.trouble(`${messageOf(error)}; trying again`);
      return null;
    }
  }

  #startHeartbeat(): void {
    const { clock, logger, heartbeatFrequencyMs: frequencyMs } = this.#options;
    const beat = () => this.#session.beat();
    this.#heartbeat ??= startHeartbeat({ beat, clock, logger, frequencyMs });
  }

  #sleepMs(step: ClientStep | null): number {
    const now = this.#options.clock.monotonic();
    const wakeAtMs = Math.min(
      step?.wakeAtMs ?? Number.POSITIVE_INFINITY,
      this.#background.retryAtMs() ?? Number.POSITIVE_INFINITY,
      now + LOOK_INTERVAL_MAX_MS,
    );
    return wakeAtMs - now;
  }

  #sayAwaited({ awaited }: ClientStep): void {
    const isConnected = this.#session.connected();
    if (!isConnected || awaited === null) this.#longWaits.over();
    if (!isConnected) this.#say.disconnected(this.#session.trouble());
    else if (awaited === null) this.#say.nothing();
    else {
      this.#say.awaited({ ...awaited, participants: [] });
      const { clock, onEvent } = this.#options;
      const long = this.#longWaits.heed(awaited.what, awaited.message, clock.monotonic());
      if (long === undefined) return;
      const message = `${awaited.message}; that for ${long.minutes} min: ${long.advice}`;
      onEvent({ event: 'waiting', what: awaited.what, participants: [], until: null, message });
    }
  }
}

/**
 * Take part in a federation until its run ends, or until told to leave.
 *
 * Guarantees: a killed client's next start goes on in the same run, and trains nothing again whose checkpoint exists.
 * Errors: RoundError 'refused' | 'cut-off' | 'stopped' | 'training-failed' when it ended without success.
 */
export async function takePart(options: ParticipationOptions): Promise<ClientOutcome> {
  const { clock, transport, name, signal } = options;
  const wake = createWake(clock);
  const watch = await transport.watch(() => wake.hint());
  try {
    while (!signal.aborted) {
      const run = await awaitRun(options, wake);
      if (run === undefined) break;
      const record = await loadState(stateFilePath(options, run), CLIENT_RECORD);
      const state = record === undefined ? newClientState(run, name) : resumedClientState(record);
      const ending = await takePartIn(options, wake, state);
      if (ending?.kind === 'moved') continue;
      return { run, ending };
    }
    return { run: null, ending: null };
  } finally {
    await watch.close();
  }
}

/** As `takePart`, over a shared folder. */
export function runFederationClient(options: FederationClientOptions): Promise<ClientOutcome> {
  return takePart({ ...options, transport: folderClientTransport(options) });
}

/** One run with its history. Errors: as `reportEnding`. */
async function takePartIn(
  options: ParticipationOptions,
  wake: Wake,
  state: ClientState,
): Promise<ClientEnding | null> {
  const { run } = state.record;
  const history = new History({ ...options, folder: resultsFolder(options, run) });
  const onEvent = (event: FederationEvent): void => {
    history.record(event);
    options.onEvent(event);
  };
  const session = options.transport.join(run);
  onEvent({ event: 'run-joined', run, folder: session.folder });
  try {
    const ending = await inSession(session, () =>
      new ClientLoop({ ...options, onEvent }, wake, state, session).run(),
    );
    if (ending !== null && ending.kind !== 'moved') reportEnding(onEvent, session, ending);
    return ending;
  } finally {
    await history.close();
  }
}

/** Whatever comes of the work, the session is closed after it, and the server learns whether anybody comes back. */
async function inSession(
  session: ClientSession,
  work: () => Promise<ClientEnding | null>,
): Promise<ClientEnding | null> {
  let ending: ClientEnding | null = null;
  try {
    ending = await work();
    return ending;
  } finally {
    await session.close(ending !== null && ending.kind !== 'failed' && ending.kind !== 'misconfigured');
  }
}

function reportEnding(
  onEvent: ParticipationOptions['onEvent'],
  session: ClientSession,
  ending: ClientEnding,
): void {
  const finalModel = ending.finalRound === null ? null : session.aggregatePath(ending.finalRound);
  const success = ending.kind === 'finished';
  onEvent({ event: 'ended', reason: ending.kind, success, message: ending.message, final_model: finalModel });
  if (ending.kind === 'misconfigured') throw new ConfigError({ code: ending.kind, message: ending.message });
  if (!success) throw new RoundError({ code: ending.kind, message: ending.message });
}
