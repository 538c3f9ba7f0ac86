import { type Clock, delay } from '../../clock.ts';
import { throwIfAborted } from './abort.ts';

/** Which of Box's limits a call counts against. */
export type Meter = 'api' | 'upload' | 'unmetered';

/** An average to keep, over and above Box's own limits. */
export interface ApiBudget {
  readonly callsPerHour: number;
  /** How many calls may come at once after a quiet time. Default: a quarter of an hour's calls. */
  readonly burst?: number;
}

/** What Box allows one user in a minute. */
export interface RateLimits {
  readonly callsPerMinute: number;
  readonly uploadsPerMinute: number;
}

/** A call that is held back. */
export interface Paced {
  /** Which limit holds it back. */
  readonly calls: 'uploads' | 'calls';
  readonly perMinute: number;
  /** When it may go. Units: milliseconds from now. */
  readonly waitMs: number;
}

/** Box's limits, with a little room left for clocks that differ. Source: Box, "Rate limits". */
export const BOX_RATE_LIMITS: RateLimits = { callsPerMinute: 950, uploadsPerMinute: 228 };
/** How much of a minute's calls may come at once. */
const BURST_SHARE = 0.2;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
/** After a 429 the rate halves, and comes back by this factor with every minute without one. */
const RECOVERY_PER_MINUTE = 1.5;
const SLOWDOWN_MIN = 1 / 16;
/** Whatever Box asks for, after this long one call finds out whether it still holds. */
const CLOSED_MAX_MS = 10 * MINUTE_MS;

/** A token bucket whose callers queue by reserving tokens ahead of time. */
class Bucket {
  readonly #capacity: number;
  readonly #perMs: number;
  #tokens: number;
  #updatedMs: number;
  #slowdown = 1;
  #closedUntilMs = 0;

  constructor(options: { capacity: number; perMs: number; nowMs: number }) {
    this.#capacity = options.capacity;
    this.#perMs = options.perMs;
    this.#tokens = options.capacity;
    this.#updatedMs = options.nowMs;
  }

  /** Take one token, possibly in advance. Returns how long to wait until it is due, in milliseconds. */
  take(nowMs: number): number {
    const passedMs = Math.max(0, nowMs - this.#updatedMs);
    this.#slowdown = Math.min(1, this.#slowdown * RECOVERY_PER_MINUTE ** (passedMs / MINUTE_MS));
    this.#tokens = Math.min(this.#capacity, this.#tokens + passedMs * this.#perMs * this.#slowdown);
    this.#updatedMs = Math.max(this.#updatedMs, nowMs);
    this.#tokens -= 1;
    const dueMs = this.#tokens >= 0 ? 0 : -this.#tokens / (this.#perMs * this.#slowdown);
    return Math.max(dueMs, this.#closedUntilMs - nowMs);
  }

  /** Box said: too fast. Close until it allows again, go on at half the rate. */
  throttle(nowMs: number, closedMs: number): void {
    this.#slowdown = Math.max(SLOWDOWN_MIN, this.#slowdown / 2);
    this.#tokens = Math.min(this.#tokens, 0);
    this.#closedUntilMs = Math.max(this.#closedUntilMs, nowMs + Math.min(closedMs, CLOSED_MAX_MS));
  }

  /** A call that reserved a token was not made after all. */
  giveBack(): void {
    this.#tokens = Math.min(this.#capacity, this.#tokens + 1);
  }
}

interface Limit {
  readonly bucket: Bucket;
  readonly calls: Paced['calls'];
  readonly perMinute: number;
}

/** Keeps the calls of one user under Box's limits, and under the budget that the user set. */
export class Pacer {
  readonly #clock: Clock;
  readonly #api: Limit;
  readonly #upload: Limit;
  readonly #budget: Limit | undefined;
  readonly #onPaced: (paced: Paced) => void;

  /** `onPaced` is told of each call that is held back. */
  constructor(
    clock: Clock,
    budget?: ApiBudget,
    limits: RateLimits = BOX_RATE_LIMITS,
    onPaced: (paced: Paced) => void = () => {},
  ) {
    this.#clock = clock;
    this.#onPaced = onPaced;
    const nowMs = clock.monotonic();
    const limit = (calls: Paced['calls'], perMinute: number): Limit => {
      // Burst and refill together make up the limit, so that no window of a minute exceeds it.
      const bucket = new Bucket({
        capacity: perMinute * BURST_SHARE,
        perMs: (perMinute * (1 - BURST_SHARE)) / MINUTE_MS,
        nowMs,
      });
      return { bucket, calls, perMinute };
    };
    this.#api = limit('calls', limits.callsPerMinute);
    this.#upload = limit('uploads', limits.uploadsPerMinute);
    if (budget !== undefined) {
      const capacity = Math.max(1, budget.burst ?? budget.callsPerHour / 4);
      const bucket = new Bucket({ capacity, perMs: budget.callsPerHour / HOUR_MS, nowMs });
      const perMinute = (budget.callsPerHour * MINUTE_MS) / HOUR_MS;
      this.#budget = { bucket, calls: 'calls', perMinute };
    }
  }

  /** Wait until this call may be made. Errors: AbortError. */
  async admit(meter: Meter, signal?: AbortSignal): Promise<void> {
    if (meter === 'unmetered') return;
    const nowMs = this.#clock.monotonic();
    const limits = [this.#api, ...(meter === 'upload' ? [this.#upload] : []), this.#budget ?? []].flat();
    const waits = limits.map((limit) => ({ limit, waitMs: limit.bucket.take(nowMs) }));
    const { limit, waitMs } = waits.reduce((longest, each) =>
      each.waitMs > longest.waitMs ? each : longest,
    );
    if (waitMs > 0) {
      this.#onPaced({ calls: limit.calls, perMinute: limit.perMinute, waitMs });
      await delay(this.#clock, waitMs, signal);
    }
    // Else those who give up while they wait would leave a debt to all who come later.
    if (signal?.aborted) for (const { bucket } of limits) bucket.giveBack();
    throwIfAborted(signal);
  }

  /** Box answered 429. Units: `retryAfterMs` in milliseconds, 0 when Box named none. */
  throttled(meter: Meter, retryAfterMs: number): void {
    const { bucket } = meter === 'upload' ? this.#upload : this.#api;
    bucket.throttle(this.#clock.monotonic(), retryAfterMs);
  }
}
