import { type Clock, delay } from '../../clock.ts';
import { AuthError, messageOf } from '../../errors.ts';
import type { Logger } from '../../logger.ts';
import type { RemoteStore } from '../remote/remote-store.ts';
import type { FeedPace } from './feed-pace.ts';

interface RemoteFeedOptions {
  readonly store: RemoteStore;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  /** The position up to which the tree is known; undefined while it is not. */
  readonly position: () => string | undefined;
  readonly onHint: () => void;
  readonly pace: FeedPace;
}

const RETRY_MS = 3000;

/**
 * Waits at Box's event feed and wakes the loop.
 *
 * Guarantees: never asks again before the loop has taken in the last hint; costs no API call while nothing happens;
 * an unreachable feed is tried again and never ends it.
 */
export class RemoteFeed {
  readonly #options: RemoteFeedOptions;
  #taken: (() => void) | undefined;

  constructor(options: RemoteFeedOptions) {
    this.#options = options;
  }

  /** Tell the feed that the hints up to the position were taken in. */
  taken(): void {
    this.#taken?.();
  }

  /** Wait and hint until the signal is aborted. */
  async run(): Promise<void> {
    const { signal, store, onHint, position, clock, logger, pace } = this.#options;
    signal.addEventListener('abort', () => this.#taken?.(), { once: true });
    while (!signal.aborted) {
      const from = position();
      if (from === undefined) {
        await this.#nextTaken();
        continue;
      }
      try {
        await store.waitForChange(from, signal);
      } catch (error) {
        if (signal.aborted) return;
        logger.warn({ error: messageOf(error) }, 'the event feed is out of reach');
        if (error instanceof AuthError) onHint();
        await delay(clock, RETRY_MS, signal);
        continue;
      }
      await delay(clock, pace.waitMs(), signal);
      if (signal.aborted) return;
      pace.read();
      const taken = this.#nextTaken();
      onHint();
      await taken;
    }
  }

  #nextTaken(): Promise<void> {
    return new Promise((resolve) => {
      this.#taken = resolve;
    });
  }
}
