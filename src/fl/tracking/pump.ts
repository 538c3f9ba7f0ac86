import { type Clock, delay, type Timer } from '../../clock.ts';
import type { FinalStatus, Tracker } from './tracker.ts';

interface PumpOptions {
  readonly tracker: Tracker;
  readonly clock: Clock;
  /** Told when the place cannot be reached, and, without an error, when it can be again. */
  readonly onTrouble: (error: unknown) => void;
}

/** News that come together go together. Units: milliseconds. */
const GATHER_MS = 500;
/** The first pause after a failure; each is twice the one before it. Units: milliseconds. */
const PAUSE_MIN_MS = 1_000;
const PAUSE_MAX_MS = 300_000;

/**
 * Keeps one place up to date beside the run.
 *
 * Guarantees: nobody waits for it before `close`; one thing at a time; after a failure it is tried again with back-off,
 * and told once until it is over.
 */
export class Pump {
  readonly #options: PumpOptions;
  readonly #abort = new AbortController();
  #timer: Timer | undefined;
  #running: Promise<void> = Promise.resolve();
  #isRunning = false;
  #isPoked = false;
  #failures = 0;
  #isClosed = false;

  constructor(options: PumpOptions) {
    this.#options = options;
  }

  /** Something new may be there. Guarantees: never throws, never waits. */
  poke(): void {
    this.#isPoked = true;
    if (!this.#isRunning && this.#timer === undefined) this.#plan(GATHER_MS);
  }

  /**
   * Bring the rest there, with the run's end; after `limitMs` at most it is left. Guarantees: never fails.
   * Returns what kept it from all being there, undefined when it is.
   */
  async close(status: FinalStatus | null, limitMs: number): Promise<unknown> {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#timer = undefined;
    const { clock } = this.#options;
    const limit = clock.after(limitMs, () => this.#abort.abort());
    try {
      await this.#running;
      return await this.#lastTries(status);
    } finally {
      limit.cancel();
    }
  }

  async #lastTries(status: FinalStatus | null): Promise<unknown> {
    const { tracker, clock } = this.#options;
    const { signal } = this.#abort;
    for (let pauseMs = PAUSE_MIN_MS; ; pauseMs *= 2) {
      try {
        await tracker.finish(status, signal);
        return undefined;
      } catch (error) {
        // What goes on later has time enough then.
        if (status === null) return error;
        if (!signal.aborted) await delay(clock, pauseMs, signal);
        if (signal.aborted) return error;
      }
    }
  }

  #plan(pauseMs: number): void {
    if (this.#isClosed) return;
    this.#timer = this.#options.clock.after(pauseMs, () => {
      this.#timer = undefined;
      this.#running = this.#run();
    });
  }

  async #run(): Promise<void> {
    const { tracker, onTrouble } = this.#options;
    this.#isRunning = true;
    this.#isPoked = false;
    try {
      await tracker.catchUp(this.#abort.signal);
      if (this.#failures > 0) onTrouble(undefined);
      this.#failures = 0;
      if (this.#isPoked) this.#plan(GATHER_MS);
    } catch (error) {
      if (this.#failures === 0 && !this.#isClosed) onTrouble(error);
      this.#plan(Math.min(PAUSE_MAX_MS, PAUSE_MIN_MS * 2 ** Math.min(this.#failures, 20)));
      this.#failures += 1;
    } finally {
      this.#isRunning = false;
    }
  }
}
