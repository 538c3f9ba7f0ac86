import { messageOf } from '../errors.ts';
import type { ParticipationOptions } from './participation.ts';
import { isOver, stepClient } from './round/client-machine.ts';
import type {
  ClientEnding,
  ClientRecord,
  ClientResult,
  ClientState,
  ClientStep,
} from './round/client-state.ts';
import type { Announcer } from './transport/announcer.ts';
import { createAnnouncer } from './transport/announcer.ts';
import type { Background } from './transport/background.ts';
import { createBackground, isExpected } from './transport/background.ts';
import { ClientEffects } from './transport/client-effects.ts';
import { resultsFolder, stateFilePath } from './transport/client-results.ts';
import type { ClientSession } from './transport/client-transport.ts';
import { type Heartbeat, startHeartbeat } from './transport/heartbeat.ts';
import type { Lives } from './transport/lives.ts';
import { LongWaits } from './transport/long-wait.ts';
import { createStateFile } from './transport/state-file.ts';
import type { Wake } from './transport/wake.ts';
import { LOOK_INTERVAL_MAX_MS, pauseAfter } from './transport/wake.ts';

/** One client process's life in one run: looks, lets the machine decide, keeps its decision, does what it asks. */
export class ClientLoop {
  readonly #options: ParticipationOptions & { readonly lives: Lives };
  readonly #wake: Wake;
  readonly #background: Background;
  readonly #effects: ClientEffects;
  readonly #session: ClientSession;
  readonly #results: ClientResult[] = [];
  readonly #save: (record: ClientRecord) => Promise<void>;
  #state: ClientState;
  #heartbeat: Heartbeat | undefined;
  #wasLost = false;
  readonly #say: Announcer;
  readonly #longWaits = new LongWaits();
  #fault: unknown;

  constructor(
    options: ParticipationOptions & { readonly lives: Lives },
    wake: Wake,
    state: ClientState,
    session: ClientSession,
  ) {
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
    const { lives } = this.#options;
    try {
      while (!signal.aborted && this.#state.ending === null) {
        const beganAtMs = this.#options.clock.monotonic();
        await lives.beat();
        const step = await this.#step();
        if (this.#fault !== undefined) throw this.#fault;
        if (this.#state.ending !== null) break;
        const pauseMs = pauseAfter(this.#options.clock.monotonic() - beganAtMs);
        await this.#wake.sleep(pauseMs, this.#sleepMs(step), signal);
      }
    } finally {
      await this.#heartbeat?.stop();
      await this.#background.close();
      await lives.end();
    }
    return this.#state.ending;
  }

  /** All of the run's end is done: the next start has nothing to do in it. */
  async settle(): Promise<void> {
    const { record, ending } = this.#state;
    if (ending !== null && isOver(ending)) await this.#save({ ...record, over: true });
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
      // Its mark goes when a beat comes: the next one by itself may be long away.
      if (observation.lost && !this.#wasLost) this.#heartbeat?.beatNow();
      this.#wasLost = observation.lost;
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
    const { clock, logger } = this.#options;
    this.#heartbeat ??= startHeartbeat({
      beat: () => this.#session.beat(),
      periodMs: () => this.#session.beatPeriodMs(),
      clock,
      logger,
    });
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
      const { server } = awaited;
      this.#say.awaited({ ...awaited, participants: server?.participants ?? [] });
      // Who knows how its server is needs no guesses.
      if (server !== undefined) return;
      const { clock, onEvent } = this.#options;
      const long = this.#longWaits.heed(awaited.what, awaited.message, clock.monotonic());
      if (long === undefined) return;
      const message = `${awaited.message}; that for ${long.minutes} min: ${long.advice}`;
      onEvent({ event: 'waiting', what: awaited.what, participants: [], until: null, message });
    }
  }
}
