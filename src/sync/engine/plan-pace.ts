import type { Clock } from '../../clock.ts';

/** After a plan, the ops that run go on without another one for this many times as long as it took, ... */
const REST = 3;
/** ... as long as there are so many of them. */
const BUSY_ENOUGH = 24;
/** A plan this short is made whenever something changed. */
const SHORT_MS = 1;

/**
 * When to plan again: a plan over a very large tree takes a while, in which nothing else is done.
 *
 * Guarantees: with few ops under way a plan is never put off; nothing is waited for unless a plan was put off.
 */
export class PlanPace {
  readonly #clock: Clock;
  #dueMs = 0;
  #putOff = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether to plan now; when not, `nextAtMs` says when. */
  isDue(opsUnderWay: number): boolean {
    this.#putOff = this.#clock.monotonic() < this.#dueMs && opsUnderWay >= BUSY_ENOUGH;
    return !this.#putOff;
  }

  /** Tell how long the plan took that was just made. Units: milliseconds. */
  planned(tookMs: number): void {
    this.#dueMs = this.#clock.monotonic() + (tookMs < SHORT_MS ? 0 : tookMs * REST);
  }

  /** When a plan that was put off is due; undefined when none was. Units: the monotonic clock's milliseconds. */
  get nextAtMs(): number | undefined {
    return this.#putOff ? this.#dueMs : undefined;
  }
}
