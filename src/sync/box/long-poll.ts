import { z } from 'zod';
import { type Clock, delay } from '../../clock.ts';
import { AuthError, MilaError, TransientError } from '../../errors.ts';
import type { Backoff } from './backoff.ts';
import { isLoopback } from './dispatchers.ts';
import { ask, type BoxSession } from './session.ts';

const number = z.union([z.number(), z.string().regex(/^\d+$/).transform(Number)]);
const serverSchema = z.object({
  type: z.string().nullish(),
  url: z.string().regex(/^https?:\/\//),
  max_retries: number.nullish(),
  retry_timeout: number.nullish(),
});
const serversSchema = z.object({ entries: z.array(serverSchema).min(1) });
const messageSchema = z.object({ message: z.string() });

/** What Box sends when it does not say. */
const RETRY_TIMEOUT_S = 610;
const SUBSCRIPTIONS_MAX = 10;
/** However Box answers, no subscription follows another faster. */
const SUBSCRIPTION_SPACING_MS = 1_000;

interface Channel {
  readonly url: string;
  readonly silenceMs: number;
  readonly subscriptionsMax: number;
  subscriptions: number;
}

/** Waits at one of Box's realtime servers; asks for a new one whenever the old one ends. */
export class LongPoll {
  readonly #session: BoxSession;
  readonly #clock: Clock;
  #channel: Channel | undefined;

  constructor(session: BoxSession, clock: Clock) {
    this.#session = session;
    this.#clock = clock;
  }

  /**
   * Wait for a sign of change after `streamPosition`.
   *
   * Guarantees: returns soon after an abort; never asks in a tight loop, whatever Box answers.
   * Errors: AuthError · TransientError when Box cannot be reached for as long as the waits last.
   */
  async wait(streamPosition: string, signal: AbortSignal): Promise<void> {
    let backoff = this.#session.transport.backoff();
    while (!signal.aborted) {
      const startedMs = this.#clock.monotonic();
      try {
        const message = await this.#subscribe(streamPosition, signal);
        if (message === 'new_change') return;
        this.#channel = undefined;
        // An unknown word is better looked at than waited out.
        if (message !== 'reconnect' && message !== 'max_retries') return;
        backoff = this.#session.transport.backoff();
      } catch (error) {
        if (signal.aborted) return;
        await this.#recover(error, backoff, signal);
      }
      const spentMs = this.#clock.monotonic() - startedMs;
      await delay(this.#clock, SUBSCRIPTION_SPACING_MS - spentMs, signal);
    }
  }

  async #subscribe(streamPosition: string, signal: AbortSignal): Promise<string> {
    const channel = await this.#open(signal);
    channel.subscriptions += 1;
    const url = new URL(channel.url);
    url.searchParams.set('stream_position', streamPosition);
    const secure = url.protocol === 'https:' || isLoopback(url.hostname);
    const silenceMs = channel.silenceMs;
    const answer = await this.#session.transport.call({
      method: 'GET',
      url,
      access: secure ? this.#session.access : undefined,
      expect: 'json',
      writes: false,
      meter: 'unmetered',
      retries: 'none',
      signal,
      timeouts: { headersMs: silenceMs, idleMs: silenceMs },
    });
    return messageSchema.catch({ message: 'unreadable' }).parse(answer.json).message;
  }

  async #open(signal: AbortSignal): Promise<Channel> {
    const present = this.#channel;
    // Used up: the next server is asked for at once, since the sign that is waited for may be the one that counts.
    if (present !== undefined && present.subscriptions < present.subscriptionsMax) return present;
    const json = await ask(signal, () => this.#session.client.events.getEventsWithLongPolling({}, signal));
    const result = serversSchema.safeParse(json);
    const server = result.data?.entries[0];
    if (server === undefined) {
      throw new TransientError({ code: 'answer-malformed', message: 'Box named no realtime server' });
    }
    this.#channel = {
      url: server.url,
      // Beyond the time that Box names, its answer may still be on the way.
      silenceMs:
        (server.retry_timeout ?? RETRY_TIMEOUT_S) * 1000 + this.#session.transport.timeouts.headersMs,
      subscriptionsMax: Math.max(1, server.max_retries ?? SUBSCRIPTIONS_MAX),
      subscriptions: 0,
    };
    return this.#channel;
  }

  async #recover(error: unknown, backoff: Backoff, signal: AbortSignal): Promise<void> {
    // Silence for the whole time is what Box announces for a lost connection: subscribe again, same server.
    if (error instanceof MilaError && error.code === 'stalled') return;
    this.#channel = undefined;
    if (error instanceof AuthError || !(error instanceof MilaError)) throw error;
    // A server that does not know the channel any more is not a refusal: the next one may.
    const passing =
      error instanceof TransientError
        ? error
        : new TransientError({ code: 'realtime-refused', message: error.message, cause: error });
    await this.#session.transport
      .pause(passing, { backoff, writes: false, signal })
      .catch((last: unknown) => {
        if (!signal.aborted) throw last;
      });
  }
}
