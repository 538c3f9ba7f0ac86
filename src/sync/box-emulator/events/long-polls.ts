import type { Timer } from '../../../clock.ts';
import type { Random } from '../../../random.ts';
import { randomName } from '../../../random.ts';
import type { BoxClock } from '../box-clock.ts';
import type { Settings } from '../settings.ts';
import type { Store } from '../store/store.ts';
import type { EventFeed } from './event-feed.ts';

const CHANNELS_MAX = 10_000;

/** How a long poll ends. */
export type PollOutcome = 'new_change' | 'reconnect' | 'gone';

interface LongPollsOptions {
  readonly store: Store;
  readonly clock: BoxClock;
  readonly settings: Settings;
  readonly feed: EventFeed;
  readonly random: Random;
}

/** The waiting side of the event stream. */
export class LongPolls {
  readonly #options: LongPollsOptions;
  readonly #channels = new Map<string, number>();
  readonly #open = new Set<(outcome: PollOutcome) => void>();

  constructor(options: LongPollsOptions) {
    this.#options = options;
  }

  get openCount(): number {
    return this.#open.size;
  }

  /** An unguessable name for one user's stream. */
  channelFor(userId: number): string {
    const oldest = this.#channels.keys().next();
    if (this.#channels.size >= CHANNELS_MAX && !oldest.done) this.#channels.delete(oldest.value);
    const channel = randomName(this.#options.random, 32);
    this.#channels.set(channel, userId);
    return channel;
  }

  userOf(channel: string): number | undefined {
    return this.#channels.get(channel);
  }

  /** Wait until the user's stream holds something after `position`, or for as long as a poll is held. */
  wait(userId: number, position: number | undefined, aborted: AbortSignal): Promise<PollOutcome> {
    const { store, clock, settings, feed } = this.#options;
    const from = position ?? store.events.lastPosition();
    const grown = () => store.events.lastPositionOf(userId) > from;
    if (grown()) return Promise.resolve('new_change');
    if (aborted.aborted) return Promise.resolve('gone');
    return new Promise((resolve) => {
      let timer: Timer | undefined;
      const finish = (outcome: PollOutcome) => {
        timer?.cancel();
        stop();
        aborted.removeEventListener('abort', onAbort);
        this.#open.delete(finish);
        resolve(outcome);
      };
      const onAbort = () => finish('gone');
      const stop = feed.listen(userId, () => {
        if (grown()) finish('new_change');
      });
      this.#open.add(finish);
      aborted.addEventListener('abort', onAbort, { once: true });
      timer = clock.after(settings.values.longPollHoldMs, () => finish('reconnect'));
    });
  }

  /** End every poll, so that the listener can close. */
  close(): void {
    for (const finish of [...this.#open]) finish('reconnect');
  }
}
