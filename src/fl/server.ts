import { join } from 'node:path';
import type { Clock } from '../clock.ts';
import { messageOf } from '../errors.ts';
import type { Logger } from '../logger.ts';
import type { Random } from '../random.ts';
import type { Aggregator } from './aggregate/aggregator.ts';
import type { Awaited } from './round/awaited.ts';
import { failure } from './round/collection.ts';
import type { FederationEvent } from './round/event.ts';
import { endedText } from './round/protocol-texts.ts';
import type { Layout } from './round/run-folder.ts';
import { runPaths } from './round/run-folder.ts';
import type { ServerAction } from './round/server-action.ts';
import type { ServerStep } from './round/server-machine.ts';
import { stepServer } from './round/server-machine.ts';
import type { ServerResult } from './round/server-observation.ts';
import type { Ending, ServerPhase, ServerRecord, ServerState } from './round/server-state.ts';
import { resumedServerState, roundOf, unsettledRounds } from './round/server-state.ts';
import type { ServerSettings } from './round/settings.ts';
import { settingsFor } from './round/settings.ts';
import type { Announcer } from './transport/announcer.ts';
import { createAnnouncer } from './transport/announcer.ts';
import type { Background } from './transport/background.ts';
import { createBackground, isExpected } from './transport/background.ts';
import { History } from './transport/history.ts';
import { Lives } from './transport/lives.ts';
import { missedRounds } from './transport/missed-rounds.ts';
import type { CheckpointInspection } from './transport/server-effects.ts';
import { ServerEffects } from './transport/server-effects.ts';
import type { ServerObserver } from './transport/server-observer.ts';
import { createServerObserver } from './transport/server-observer.ts';
import { SERVER_STATE_FILE, startServerRun, type WhichRun } from './transport/server-run.ts';
import { ServerSigns } from './transport/server-sign.ts';
import { createStateFile } from './transport/state-file.ts';
import { createWake, LOOK_INTERVAL_MAX_MS, pauseAfter } from './transport/wake.ts';
import type { Workdir } from './transport/workdir.ts';

export interface FederationServerOptions {
  readonly settings: ServerSettings;
  readonly layout: Layout;
  readonly taskFile: string;
  /** Which shared folder this is: `<shared_dir_name>/<save_path>`. */
  readonly session: string;
  /** The checkpoint to begin with; null starts every client from its own initial weights. */
  readonly startPoint: string | null;
  /** Where the server's own results go, one folder per run. */
  readonly savePath: string;
  readonly resume: WhichRun;
  readonly workdir: Workdir;
  /** True where it is known who wrote a file although the folder does not tell: connected clients. */
  readonly writersAreKnown?: boolean;
  /** How long the server may be silent in the folder before it shows that it runs. Default: 15 minutes. Units: milliseconds. */
  readonly statusFrequencyMs?: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly aggregator: Aggregator;
  readonly inspect: CheckpointInspection;
  readonly stripStartPoint: (source: string, output: string) => Promise<void>;
  readonly onEvent: (event: FederationEvent) => void;
  /** Aborted to end the run: clients are told that it was stopped. */
  readonly stop: AbortSignal;
  /** Aborted to leave the run open: the next start goes on. */
  readonly park: AbortSignal;
}

/** How a server's run went. */
export interface ServerOutcome {
  readonly run: string;
  /** Null when it was left open. */
  readonly ending: Ending | null;
  /** The last good aggregate among the server's results; null when there is none. */
  readonly finalModel: string | null;
}

/** After a look at the folder failed. Units: milliseconds. */
const LOOK_RETRY_MS = 2_000;

/** What every client sees of the server when it is done. */
const SHOWS_LIFE: ReadonlySet<ServerAction['kind']> = new Set(['open-round', 'write-ended']);

const SILENT_AWAITS: readonly Awaited['what'][] = ['aggregation', 'folder'];

/** How many rounds have their aggregate. */
function roundsMade(phase: ServerPhase): number {
  if (phase.kind !== 'ended' && phase.kind !== 'finishing') return (roundOf(phase) ?? 1) - 1;
  const { ending } = phase;
  return ending.kind === 'finished' ? (ending.round ?? 0) : (ending.round ?? 1) - 1;
}

/** One server process's life: looks, lets the machine decide, keeps its decision, does what it asks. */
class ServerLoop {
  readonly #options: FederationServerOptions & { readonly lives: Lives };
  readonly #signs: ServerSigns;
  readonly #effects: ServerEffects;
  readonly #background: Background;
  readonly #wake;
  readonly #results: ServerResult[] = [];
  readonly #observer: ServerObserver;
  readonly #save: (record: ServerRecord) => Promise<void>;
  #state: ServerState;
  readonly #say: Announcer;
  #fault: unknown;

  constructor(options: FederationServerOptions & { readonly lives: Lives }, record: ServerRecord) {
    this.#options = options;
    this.#signs = new ServerSigns({ ...options, run: record.run });
    const { workdir, clock, logger } = options;
    const results = join(options.savePath, record.run);
    this.#say = createAnnouncer(clock, options.onEvent);
    this.#wake = createWake(clock);
    this.#background = createBackground({
      clock,
      logger,
      onEnd: () => this.#wake.hint(),
      onFault: (error) => {
        this.#fault = error;
      },
      onTrouble: (message) => this.#say.trouble(message),
    });
    this.#effects = new ServerEffects({
      ...options,
      run: record.run,
      results,
      roundsCount: options.settings.roundsCount,
      background: this.#background,
      onResult: (result) => void this.#results.push(result),
    });
    this.#observer = createServerObserver(workdir, record.run);
    const file = createStateFile<ServerRecord>(join(results, SERVER_STATE_FILE));
    this.#save = (next) => file.save(next);
    this.#state = resumedServerState(record, clock.monotonic());
  }

  async run(): Promise<ServerOutcome> {
    const { workdir, stop, park } = this.#options;
    const hint = () => this.#wake.hint();
    stop.addEventListener('abort', hint, { once: true });
    await this.#save(this.#state.record);
    const watch = await workdir.watch(hint);
    try {
      while (!park.aborted && !this.#hasEnded()) {
        const beganAtMs = this.#options.clock.monotonic();
        await this.#options.lives.beat();
        const step = await this.#step();
        if (this.#fault !== undefined) throw this.#fault;
        if (this.#hasEnded()) break;
        const pauseMs = pauseAfter(this.#options.clock.monotonic() - beganAtMs);
        await this.#wake.sleep(pauseMs, step === null ? LOOK_RETRY_MS : this.#sleepMs(step), park);
      }
    } catch (error) {
      await this.#endWith(error);
      throw error;
    } finally {
      stop.removeEventListener('abort', hint);
      await watch.close();
      await this.#background.close();
      await this.#options.lives.end();
    }
    return this.#outcome();
  }

  #hasEnded(): boolean {
    return this.#state.record.phase.kind === 'ended';
  }

  /** One look and what follows from it; null when the folder could not be looked at. */
  async #step(): Promise<ServerStep | null> {
    const { settings, clock, logger, stop, onEvent } = this.#options;
    try {
      const { record } = this.#state;
      this.#background.beginLook();
      const observation = await this.#observer.observe({
        round: roundOf(record.phase),
        unsettled: unsettledRounds(record),
      });
      const instant = { nowMs: clock.now(), monotonicMs: clock.monotonic() };
      const results = [...this.#results];
      const step = stepServer(this.#state, {
        observation,
        results,
        stop: stop.aborted,
        instant,
        settings,
      });
      // What was decided is kept before anything of it is done.
      await this.#save(step.state.record);
      this.#state = step.state;
      this.#results.splice(0, results.length);
      for (const event of step.events) onEvent(event);
      this.#sayAwaited(step.awaited, observation.connected);
      for (const action of step.actions) await this.#perform(action);
      await this.#showLife(step);
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

  async #showLife({ state, awaited, actions }: ServerStep): Promise<void> {
    const { phase } = state.record;
    if (phase.kind === 'ended') return;
    const writesAnyway = actions.some(({ kind }) => SHOWS_LIFE.has(kind));
    await this.#signs.show({ phase, awaited, writesAnyway });
  }

  async #perform(action: ServerAction): Promise<void> {
    await this.#effects.perform(action, this.#state.record);
  }

  #sleepMs(step: ServerStep): number {
    const now = this.#options.clock.monotonic();
    const wakeAtMs = Math.min(
      step.wakeAtMs ?? Number.POSITIVE_INFINITY,
      this.#background.retryAtMs() ?? Number.POSITIVE_INFINITY,
      this.#signs.dueAtMs,
      now + LOOK_INTERVAL_MAX_MS,
    );
    return wakeAtMs - now;
  }

  #sayAwaited(awaited: Awaited | null, connected: boolean): void {
    if (!connected) this.#say.disconnected(this.#options.workdir.trouble?.() ?? null);
    else if (awaited !== null && !SILENT_AWAITS.includes(awaited.what)) this.#say.awaited(awaited);
  }

  /** What ends this process ends the run for everybody, and says so; a person may open it again. */
  async #endWith(error: unknown): Promise<void> {
    const { workdir, clock, logger, onEvent } = this.#options;
    const { record } = this.#state;
    if (record.phase.kind === 'ended') return;
    const round = roundOf(record.phase);
    const message = `Training stopped: the server failed: ${messageOf(error)}`;
    const ending = { ...failure('server-failed', round ?? 1, message), round };
    try {
      await workdir.write(runPaths.ended(record.run), endedText(message, clock.now()));
      await this.#save({ ...record, phase: { kind: 'ended', ending } });
      onEvent({ event: 'ended', reason: ending.code, success: false, message, final_model: null });
    } catch (cause) {
      logger.error({ error: messageOf(cause) }, 'The end of the run could not be written.');
    }
  }

  #outcome(): ServerOutcome {
    const { run, phase } = this.#state.record;
    const ending = phase.kind === 'ended' ? phase.ending : null;
    const made = roundsMade(phase);
    const finalModel = made > 0 ? this.#effects.aggregatePath(made) : null;
    if (ending !== null)
      this.#options.onEvent({
        event: 'ended',
        reason: ending.code,
        success: ending.kind === 'finished',
        message: ending.text,
        final_model: finalModel,
      });
    return { run, ending, finalModel };
  }
}

/**
 * Run the federation's server over a shared folder until its run ends or is parked.
 *
 * Guarantees: server_ended.txt stands in the run folder whenever the run has ended; a killed server's next start
 * goes on where it was.
 * Errors: ConfigError for a task file that clients could not read, or fewer participants that count than are needed;
 * StateError when what to resume is not there.
 */
export async function runFederationServer(given: FederationServerOptions): Promise<ServerOutcome> {
  const options = { ...given, settings: settingsFor(given.settings, given.aggregator.participants) };
  const { record, resumed } = await startServerRun(options);
  const folder = join(options.savePath, record.run);
  const missed = resumed ? await missedRounds(folder, roundsMade(record.phase)) : [];
  const history = new History({ ...options, folder });
  for (const event of missed) history.record(event);
  const onEvent = (event: FederationEvent): void => {
    history.record(event);
    options.onEvent(event);
  };
  onEvent({
    event: resumed ? 'run-resumed' : 'run-created',
    run: record.run,
    folder: options.workdir.absolutePath(record.run),
  });
  if (!options.workdir.identifies && options.writersAreKnown !== true)
    onEvent({
      event: 'identity-unknown',
      message: `${options.workdir.description} does not tell who wrote a file: whoever can write there can act for any participant`,
    });
  try {
    const lives = await Lives.open(folder, options.clock);
    return await new ServerLoop({ ...options, lives, onEvent }, record).run();
  } finally {
    await history.close();
  }
}
