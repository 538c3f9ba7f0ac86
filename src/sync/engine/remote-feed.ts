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
  /** True when the feed may hold more after the position, of which no sign will come. */
  readonly restMayFollow: () => boolean;
  readonly onHint: () => void;
  readonly pace: FeedPace;
}

const RETRY_MS = 3000;
/** So long after a reading that may have left a rest, the feed is read on without a sign; heartbeats mostly give one before. */
const READ_ON_MS = 90_000;

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
    const { signal, onHint, position, clock, logger, pace } = this.#options;
    signal.addEventListener('abort', () => this.#taken?.(), { once: true });
    while (!signal.aborted) {
      const from = position();
      if (from === undefined) {
        await this.#nextTaken();
        continue;
      }
      try {
        await this.#sign(from);
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

  /** Wait for a sign of change, or until it is time to read on without one. */
  async #sign(from: string): Promise<void> {
    const { store, clock, signal, restMayFollow } = this.#options;
    if (!restMayFollow()) return store.waitForChange(from, signal);
    const readOn = new AbortController();
    const timer = clock.after(READ_ON_MS, () => readOn.abort());
    try {
      await store.waitForChange(from, AbortSignal.any([signal, readOn.signal]));
    } finally {
      timer.cancel();
    }
  }

  #nextTaken(): Promise<void> {
    return new Promise((resolve) => {
      this.#taken = resolve;
    });
  }
}
