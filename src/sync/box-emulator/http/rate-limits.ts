import type { BoxClock } from '../box-clock.ts';
import type { Settings } from '../settings.ts';
import { Refusal } from './refusal.ts';

const WINDOW_MS = 60_000;

interface Window {
  readonly startedAt: number;
  count: number;
}

/** Counts each user's requests in windows of one minute. */
export class RateLimits {
  readonly #clock: BoxClock;
  readonly #settings: Settings;
  readonly #windows = new Map<string, Window>();

  constructor(clock: BoxClock, settings: Settings) {
    this.#clock = clock;
    this.#settings = settings;
  }

  /** Errors: 429 with the seconds until the window ends. Source: developer.box.com guides permissions-and-errors/rate-limits. */
  spend(userId: number, upload: boolean): void {
    const { rateLimitPerMinute, uploadRateLimitPerMinute } = this.#settings.values;
    this.#spendOf(`api/${userId}`, rateLimitPerMinute);
    if (upload) this.#spendOf(`upload/${userId}`, uploadRateLimitPerMinute);
  }

  /** Start all windows anew, as after a change of the limits. */
  reset(): void {
    this.#windows.clear();
  }

  #spendOf(key: string, limit: number): void {
    if (limit === 0) return;
    const now = this.#clock.monotonic();
    let window = this.#windows.get(key);
    if (window === undefined || now - window.startedAt >= WINDOW_MS) {
      window = { startedAt: now, count: 0 };
      this.#windows.set(key, window);
    }
    window.count += 1;
    if (window.count <= limit) return;
    const seconds = Math.max(1, Math.ceil((window.startedAt + WINDOW_MS - now) / 1000));
    throw new Refusal(
      429,
      { code: 'rate_limit_exceeded', message: 'Request rate limit exceeded, please try again later' },
      { 'retry-after': String(seconds) },
    );
  }
}
