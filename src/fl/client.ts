import { join } from 'node:path';
import type { Clock } from '../clock.ts';
import { ConfigError, CorruptError, messageOf, RoundError } from '../errors.ts';
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
import { participantKey, runPaths } from './round/run-folder.ts';
import type { Announcer } from './transport/announcer.ts';
import { createAnnouncer } from './transport/announcer.ts';
import type { Background } from './transport/background.ts';
import { createBackground, isExpected } from './transport/background.ts';
import { ClientEffects } from './transport/client-effects.ts';
import type { ClientObserver } from './transport/client-observer.ts';
import { createClientObserver, findNewestRun } from './transport/client-observer.ts';
import { startHeartbeat } from './transport/heartbeat.ts';
import { History } from './transport/history.ts';
import { readServerSettings } from './transport/side-file.ts';
import { createStateFile, loadState } from './transport/state-file.ts';
import type { Wake } from './transport/wake.ts';
import { createWake, pauseAfter } from './transport/wake.ts';
import type { Workdir } from './transport/workdir.ts';

export interface FederationClientOptions {
  readonly name: string;
  readonly settings: ClientSettings;
  readonly heartbeatFrequencyMs: number;
  readonly modelOverwrites: Readonly<Record<string, unknown>>;
  /** Where the client's own results go, one folder per run. */
  readonly savePath: string;
  /** The run to take part in; null takes the newest that has not ended. */
  readonly run: string | null;
  readonly workdir: Workdir;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly executor: Executor;
  readonly onEvent: (event: FederationEvent) => void;
  /** Aborted to leave; the next start goes on. */
  readonly signal: AbortSignal;
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

function stateFilePath(options: FederationClientOptions, run: string): string {
  return join(options.savePath, run, `${participantKey(options.name)}.client.state.json`);
}

/** A folder of each client's own: two of them may share a save_path, and must not take each other's checkpoints. */
function resultsFolder({ savePath, name }: FederationClientOptions, run: string): string {
  return join(savePath, run, participantKey(name));
}

/** The run to take part in, or what is still awaited for there to be one. */
async function lookForRun(
  options: FederationClientOptions,
): Promise<{ readonly run: string } | { readonly awaited: string }> {
  const { workdir, run } = options;
  const found = run === null ? await findNewestRun(workdir) : await namedRun(options, run);
  if (found === undefined)
    return { awaited: `waiting for ${run === null ? 'a run' : `run ${run}`} in ${workdir.description}` };
  if (!found.ended || (await wasPartOf(options, found.name))) return { run: found.name };
  return { awaited: `run ${found.name} has ended; waiting for a new one` };
}

/** Wait for a run to take part in; undefined when told to leave. */
async function awaitRun(options: FederationClientOptions, wake: Wake): Promise<string | undefined> {
  const { signal, onEvent, logger } = options;
  let said = '';
  while (!signal.aborted) {
    try {
      const found = await lookForRun(options);
      if ('run' in found) return found.run;
      const message = found.awaited;
      if (message !== said)
        onEvent({ event: 'waiting', what: 'run', participants: [], until: null, message });
      said = message;
    } catch (error) {
      // A damaged state file stays damaged until a person moves it away.
      if (!isExpected(error) || error instanceof CorruptError) throw error;
      logger.error({ error: messageOf(error) }, 'The shared folder could not be looked at; trying again.');
    }
    await wake.sleep(pauseAfter(0), LOOK_INTERVAL_MAX_MS, signal);
  }
  return undefined;
}

async function namedRun({ workdir }: FederationClientOptions, run: string) {
  const names = (await workdir.list(run)).map(({ name }) => name);
  return names.includes('cfg.json') ? { name: run, ended: false } : undefined;
}

/** Whether this client was in the middle of a run when it was stopped: then its end concerns it. */
async function wasPartOf(options: FederationClientOptions, run: string): Promise<boolean> {
  const record = await loadState(stateFilePath(options, run), CLIENT_RECORD);
  return record?.admitted === true && !record.over;
}

/** One client process's life in one run: looks, lets the machine decide, keeps its decision, does what it asks. */
class ClientLoop {
  readonly #options: FederationClientOptions;
  readonly #wake: Wake;
  readonly #background: Background;
  readonly #effects: ClientEffects;
  readonly #observer: ClientObserver;
  readonly #results: ClientResult[] = [];
  readonly #save: (record: ClientRecord) => Promise<void>;
  #state: ClientState;
  #heartbeat: { stop(): Promise<void> } | undefined;
  readonly #say: Announcer;
  #fault: unknown;

  constructor(options: FederationClientOptions, wake: Wake, state: ClientState) {
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
    this.#observer = createClientObserver(options.workdir, run, options.name);
    this.#effects = new ClientEffects({
      ...options,
      run,
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
      if (!admitted) await this.#assertHeartbeat();
      const observation = await this.#observer.observe({ training: this.#effects.training, admitted });
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

  /** Errors: ConfigError 'heartbeat-too-slow' when the server would count this client as lost between two beats. */
  async #assertHeartbeat(): Promise<void> {
    const { workdir, heartbeatFrequencyMs } = this.#options;
    const settings = await readServerSettings(workdir, runPaths.settings(this.#state.record.run));
    if (settings === undefined || heartbeatFrequencyMs / 1000 < settings.heartbeat_timeout) return;
    throw new ConfigError({
      code: 'heartbeat-too-slow',
      message: `heartbeat_frequency is ${heartbeatFrequencyMs / 1000} s, but the server counts a client as lost after ${settings.heartbeat_timeout} s of silence`,
      hint: `Set heartbeat_frequency to ${Math.max(1, Math.floor(settings.heartbeat_timeout / 3))} or less.`,
    });
  }

  #startHeartbeat(): void {
    const { name, workdir, clock, logger, heartbeatFrequencyMs: frequencyMs } = this.#options;
    const path = runPaths.heartbeat(this.#state.record.run, name);
    this.#heartbeat ??= startHeartbeat({ workdir, path, clock, logger, frequencyMs });
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
    const { workdir } = this.#options;
    if (!workdir.connected()) this.#say.disconnected(workdir.trouble?.() ?? null);
    else if (awaited === null) this.#say.nothing();
    else this.#say.awaited({ ...awaited, participants: [] });
  }
}

/**
 * Take part in a federation over a shared folder until its run ends, or until told to leave.
 *
 * Guarantees: a killed client's next start goes on in the same run, and trains nothing again whose checkpoint exists.
 * Errors: RoundError 'refused' | 'cut-off' | 'stopped' | 'training-failed' when it ended without success.
 */
export async function runFederationClient(options: FederationClientOptions): Promise<ClientOutcome> {
  const { clock, workdir, name, signal } = options;
  const wake = createWake(clock);
  const watch = await workdir.watch(() => wake.hint());
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

/** One run with its history. Errors: as `reportEnding`. */
async function takePartIn(
  options: FederationClientOptions,
  wake: Wake,
  state: ClientState,
): Promise<ClientEnding | null> {
  const { workdir } = options;
  const { run } = state.record;
  const history = new History({ ...options, folder: resultsFolder(options, run) });
  const onEvent = (event: FederationEvent): void => {
    history.record(event);
    options.onEvent(event);
  };
  onEvent({ event: 'run-joined', run, folder: workdir.absolutePath(run) });
  try {
    const ending = await new ClientLoop({ ...options, onEvent }, wake, state).run();
    if (ending !== null && ending.kind !== 'moved') reportEnding({ ...options, onEvent }, run, ending);
    return ending;
  } finally {
    await history.close();
  }
}

function reportEnding(options: FederationClientOptions, run: string, ending: ClientEnding): void {
  const { onEvent, workdir } = options;
  const finalModel =
    ending.finalRound === null ? null : workdir.absolutePath(runPaths.aggregate(run, ending.finalRound));
  const success = ending.kind === 'finished';
  onEvent({ event: 'ended', reason: ending.kind, success, message: ending.message, final_model: finalModel });
  if (ending.kind === 'misconfigured') throw new ConfigError({ code: ending.kind, message: ending.message });
  if (!success) throw new RoundError({ code: ending.kind, message: ending.message });
}
