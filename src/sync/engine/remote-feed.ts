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
  /** Told in a sentence that signs cannot be waited for, and why; undefined when they can be again. */
  readonly onNotice?: (text: string | undefined) => void;
}

/** After the waiting failed, the feed is read this soon: a sign may have come to nobody. */
const FIRST_READING_MS = 3000;
/** A channel that was not to be had is asked for again after this wait, which doubles ... */
const CHANNEL_RETRY_MS = 30_000;
/** ... up to this. */
const CHANNEL_RETRY_MAX_MS = 10 * 60_000;
/** So long after a reading that may have left a rest, the feed is read on without a sign; heartbeats mostly give one before. */
const READ_ON_MS = 90_000;

/**
 * Waits at Box's event feed and wakes the loop.
 *
 * Waiting is a convenience: where it cannot be had (a firewall that lets the API through, but not the realtime servers),
 * the feed is read on a timer instead, and the waiting is tried again ever more rarely.
 * Guarantees: never asks again before the loop has taken in the last hint; costs no API call while nothing happens and
 * signs can be waited for; no failure ends it.
 */
export class RemoteFeed {
  readonly #options: RemoteFeedOptions;
  #taken: (() => void) | undefined;
  #failures = 0;
  /** From when on a channel is asked for again. Units: the monotonic clock's milliseconds. */
  #channelAtMs = 0;

  constructor(options: RemoteFeedOptions) {
    this.#options = options;
  }

  /** Tell the feed that the hints up to the position were taken in. */
  taken(): void {
    this.#taken?.();
  }

  /** Wait and hint until the signal is aborted. */
  async run(): Promise<void> {
    const { signal, onHint, position, pace } = this.#options;
    signal.addEventListener('abort', () => this.#taken?.(), { once: true });
    while (!signal.aborted) {
      const from = position();
      if (from === undefined) {
        await this.#nextTaken();
        continue;
      }
      await this.#reasonToRead(from);
      if (signal.aborted) return;
      pace.read();
      const taken = this.#nextTaken();
      onHint();
      await taken;
    }
  }

  /** Box answers again: perhaps its realtime servers do, too. */
  retryChannel(): void {
    this.#channelAtMs = 0;
  }

  /** A sign, or the timer that stands in for one. */
  async #reasonToRead(from: string): Promise<void> {
    const { clock, signal, pace } = this.#options;
    if (clock.monotonic() >= this.#channelAtMs && (await this.#sign(from)))
      return delay(clock, pace.waitMs(), signal);
    if (signal.aborted) return;
    await delay(clock, this.#failures <= 1 ? FIRST_READING_MS : pace.timerMs, signal);
  }

  /** Wait for a sign of change, or until it is time to read on without one. False when none can be waited for. */
  async #sign(from: string): Promise<boolean> {
    const { store, clock, signal, restMayFollow, onNotice } = this.#options;
    const readOn = new AbortController();
    const timer = restMayFollow() ? clock.after(READ_ON_MS, () => readOn.abort()) : undefined;
    try {
      await store.waitForChange(from, AbortSignal.any([signal, readOn.signal]));
      if (this.#failures > 0 && !readOn.signal.aborted) {
        this.#failures = 0;
        onNotice?.(undefined);
      }
      return true;
    } catch (error) {
      if (!signal.aborted) this.#failed(error);
      return false;
    } finally {
      timer?.cancel();
    }
  }

  #failed(error: unknown): void {
    const { clock, logger, pace, onHint, onNotice } = this.#options;
    logger.warn({ error: messageOf(error) }, 'signs of change cannot be waited for');
    this.#failures += 1;
    const waitMs = Math.min(CHANNEL_RETRY_MAX_MS, CHANNEL_RETRY_MS * 2 ** (this.#failures - 1));
    this.#channelAtMs = clock.monotonic() + waitMs;
    if (error instanceof AuthError) onHint();
    // Once is the network's; twice is somebody's to mend.
    if (this.#failures > 1)
      onNotice?.(`${messageOf(error)}; looking every ${Math.round(pace.timerMs / 1000)} s instead`);
  }

  #nextTaken(): Promise<void> {
    return new Promise((resolve) => {
      this.#taken = resolve;
    });
  }
}
