import type { Random } from '../../random.ts';

/** How often and how long one call is tried. Units: milliseconds. */
export interface RetryPolicy {
  readonly attemptsMax: number;
  readonly baseMs: number;
  readonly capMs: number;
  /** All the waiting of one call together; a longer wait is the engine's business. */
  readonly waitTotalMaxMs: number;
}

export const DEFAULT_RETRY_POLICY: RetryPolicy = {
  attemptsMax: 6,
  baseMs: 500,
  capMs: 20_000,
  waitTotalMaxMs: 90_000,
};

/**
 * The waits of one call: decorrelated jitter within a budget.
 *
 * Guarantees: at most `attemptsMax - 1` waits, together at most `waitTotalMaxMs`.
 * Source: M. Brooker, "Exponential Backoff and Jitter", AWS Architecture Blog 2015.
 */
export class Backoff {
  readonly #policy: RetryPolicy;
  readonly #random: Random;
  #attempts = 1;
  #waitedMs = 0;
  #previousMs: number;

  constructor(policy: RetryPolicy, random: Random) {
    this.#policy = policy;
    this.#random = random;
    this.#previousMs = policy.baseMs;
  }

  /** How long to wait before trying again; undefined when the budget is spent. `askedMs`: what Box asked for. */
  next(askedMs = 0): number | undefined {
    if (this.#attempts >= this.#policy.attemptsMax) return undefined;
    const { baseMs, capMs, waitTotalMaxMs } = this.#policy;
    const spreadMs = Math.max(0, this.#previousMs * 3 - baseMs);
    const ownMs = Math.min(capMs, baseMs + this.#random.next() * spreadMs);
    // Never earlier than asked; a little later, so that many clients do not come back in the same instant.
    const waitMs = askedMs > 0 ? askedMs + this.#random.next() * Math.min(1000, askedMs / 4) : ownMs;
    if (this.#waitedMs + waitMs > waitTotalMaxMs) return undefined;
    this.#attempts += 1;
    this.#waitedMs += waitMs;
    if (askedMs === 0) this.#previousMs = ownMs;
    return waitMs;
  }
}
