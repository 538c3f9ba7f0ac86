import type { Clock } from '../../clock.ts';
import { TransientError } from '../../errors.ts';
import type { Logger } from '../../logger.ts';
import type { Access } from './access.ts';
import { refusalOf } from './refusal.ts';

interface NarrowedAccessOptions {
  readonly narrow: Access;
  readonly wide: Access;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** So long after Box gave no narrowed token it is asked for one again: the folder may be back, the setting changed. */
const NARROW_AGAIN_MS = 10 * 60_000;
/** So long a kind of call that was refused to a narrowed token uses the full one before the narrowed one is tried again. */
const WIDENED_MS = 60 * 60_000;

/**
 * A token that opens one folder only, except for calls that Box never lets such a token make.
 *
 * Guarantees: a kind of call that worked once with a narrowed token stays narrow for good, so that a refusal of it means
 * "outside the folder" and stays a refusal. One that is refused the first time uses the wide token for an hour, and all
 * do for ten minutes where Box gives no narrowed one: with a word in the log, and never for good.
 */
export class NarrowedAccess implements Access {
  readonly headers: Readonly<Record<string, string>>;
  readonly user: string | undefined;
  readonly #options: NarrowedAccessOptions;
  readonly #proven = new Set<string>();
  readonly #widenedUntilMs = new Map<string, number>();
  /** The newest narrowed token and the one before it: calls with that one may still be under way. */
  #narrowed: readonly (string | undefined)[] = [];
  #wideUntilMs = Number.NEGATIVE_INFINITY;
  #unavailable = false;

  constructor(options: NarrowedAccessOptions) {
    this.#options = options;
    this.headers = options.wide.headers;
    this.user = options.wide.user;
  }

  async token(signal?: AbortSignal, endpoint = ''): Promise<string> {
    const { narrow, wide, clock, logger } = this.#options;
    if (clock.monotonic() < this.#wideUntilMs || this.#isWidened(endpoint)) return wide.token(signal);
    try {
      const token = await narrow.token(signal);
      if (token !== this.#narrowed[0]) this.#narrowed = [token, this.#narrowed[0]];
      if (this.#unavailable) logger.info({}, 'Box gives a token narrowed to the folder again');
      this.#unavailable = false;
      return token;
    } catch (error) {
      // Only Box's word against narrowing counts; a network that is down does not.
      if (signal?.aborted || refusalOf(error) === undefined || error instanceof TransientError) throw error;
      if (!this.#unavailable)
        logger.warn({}, 'Box gives no token narrowed to the folder; going on with the full one');
      this.#unavailable = true;
      this.#wideUntilMs = clock.monotonic() + NARROW_AGAIN_MS;
      return wide.token(signal);
    }
  }

  refuse(token: string): void {
    this.#options.narrow.refuse(token);
    this.#options.wide.refuse(token);
  }

  proved(endpoint: string, token: string): void {
    if (this.#narrowed.includes(token)) this.#proven.add(endpoint);
  }

  widen(endpoint: string, token: string): boolean {
    if (!this.#narrowed.includes(token) || this.#proven.has(endpoint)) return false;
    // Of calls that were refused at the same time, the first has seen to it.
    if (this.#isWidened(endpoint)) return true;
    const told = this.#widenedUntilMs.has(endpoint);
    this.#widenedUntilMs.set(endpoint, this.#options.clock.monotonic() + WIDENED_MS);
    if (!told) {
      this.#options.logger.warn(
        { endpoint },
        'Box refuses this call to a narrowed token; using the full one for it',
      );
    }
    return true;
  }

  #isWidened(endpoint: string): boolean {
    return this.#options.clock.monotonic() < (this.#widenedUntilMs.get(endpoint) ?? Number.NEGATIVE_INFINITY);
  }
}
