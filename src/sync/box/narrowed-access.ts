import { TransientError } from '../../errors.ts';
import type { Logger } from '../../logger.ts';
import type { Access } from './access.ts';
import { refusalOf } from './refusal.ts';

interface NarrowedAccessOptions {
  readonly narrow: Access;
  readonly wide: Access;
  readonly logger: Logger;
}

/**
 * A token that opens one folder only, except for calls that Box never lets such a token make.
 *
 * Guarantees: a kind of call that worked once stays narrow for good, so that a refusal of it means "outside the folder"
 * and stays a refusal; one that is refused the first time uses the wide token from then on, with a word in the log.
 */
export class NarrowedAccess implements Access {
  readonly headers: Readonly<Record<string, string>>;
  readonly user: string | undefined;
  readonly #options: NarrowedAccessOptions;
  readonly #proven = new Set<string>();
  readonly #widened = new Set<string>();
  #unavailable = false;

  constructor(options: NarrowedAccessOptions) {
    this.#options = options;
    this.headers = options.wide.headers;
    this.user = options.wide.user;
  }

  async token(signal?: AbortSignal, endpoint = ''): Promise<string> {
    const { narrow, wide, logger } = this.#options;
    if (this.#unavailable || this.#widened.has(endpoint)) return wide.token(signal);
    try {
      return await narrow.token(signal);
    } catch (error) {
      // Only Box's word against narrowing counts; a network that is down does not.
      if (signal?.aborted || refusalOf(error) === undefined || error instanceof TransientError) throw error;
      this.#unavailable = true;
      logger.warn({}, 'Box gives no token narrowed to the folder; going on with the full one');
      return wide.token(signal);
    }
  }

  refuse(token: string): void {
    this.#options.narrow.refuse(token);
    this.#options.wide.refuse(token);
  }

  proved(endpoint: string): void {
    if (!this.#widened.has(endpoint)) this.#proven.add(endpoint);
  }

  widen(endpoint: string): boolean {
    if (this.#proven.has(endpoint) || this.#widened.has(endpoint)) return false;
    this.#widened.add(endpoint);
    this.#options.logger.warn(
      { endpoint },
      'Box refuses this call to a narrowed token; using the full one for it',
    );
    return true;
  }
}
