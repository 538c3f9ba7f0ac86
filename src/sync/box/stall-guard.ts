import type { Clock, Timer } from '../../clock.ts';
import { TransientError } from '../../errors.ts';
import { LinkedAbort } from './abort.ts';

/**
 * Ends an exchange whose other side has gone silent, or whose caller gave up.
 *
 * Guarantees: `signal` aborts with the caller's reason or, when nothing moved for the armed time, with a
 * TransientError 'stalled'; `release` leaves no timer and no listener.
 */
export class StallGuard {
  readonly #link: LinkedAbort;
  readonly #clock: Clock;
  readonly #caller: AbortSignal | undefined;
  #timer: Timer | undefined;
  #timerDueMs = 0;
  #counting = false;
  #deadlineMs = 0;
  #idleMs = 0;

  constructor(clock: Clock, caller?: AbortSignal) {
    this.#clock = clock;
    this.#caller = caller;
    this.#link = new LinkedAbort(caller);
  }

  get signal(): AbortSignal {
    return this.#link.signal;
  }

  /** True when the caller gave up, false when the other side was silent or nothing happened yet. */
  get callerAborted(): boolean {
    return this.#caller?.aborted ?? false;
  }

  /** Start to count silence. Cheap enough for every chunk: a timer that runs already is kept. Units: milliseconds. */
  arm(idleMs: number): void {
    this.#idleMs = idleMs;
    this.#counting = true;
    this.touch();
    if (this.#timer !== undefined && this.#timerDueMs > this.#deadlineMs) this.#cancel();
    if (this.#timer === undefined) this.#schedule(idleMs);
  }

  /** Something moved. The running timer looks at the deadline when it fires. */
  touch(): void {
    this.#deadlineMs = this.#clock.monotonic() + this.#idleMs;
  }

  /** Silence is ours, not the other side's: stop counting. */
  disarm(): void {
    this.#counting = false;
  }

  /** End the exchange now. */
  abort(reason?: unknown): void {
    this.#link.abort(reason);
  }

  release(): void {
    this.#cancel();
    this.#link.release();
  }

  #cancel(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #schedule(delayMs: number): void {
    this.#timerDueMs = this.#clock.monotonic() + delayMs;
    this.#timer = this.#clock.after(delayMs, () => {
      this.#timer = undefined;
      if (!this.#counting) return;
      const leftMs = this.#deadlineMs - this.#clock.monotonic();
      if (leftMs > 0) {
        this.#schedule(leftMs);
        return;
      }
      this.#link.abort(
        new TransientError({
          code: 'stalled',
          message: `Nothing moved on the connection to Box for ${this.#idleMs} ms`,
          effectUnknown: true,
        }),
      );
    });
  }
}
