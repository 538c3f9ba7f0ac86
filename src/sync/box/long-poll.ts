import type { Clock } from '../../clock.ts';
import { TransientError } from '../../errors.ts';
import { askForChannel, type Channel, endsAtOnce, subscribe } from './realtime.ts';
import { refusalOf } from './refusal.ts';
import type { BoxSession } from './session.ts';

/** A channel, or a connection, that stood this long has served; one that ends sooner is not worth another at once. */
const STOOD_MS = 10_000;
/** So many channels in a row may end sooner; then whoever waits decides when to try again. */
const QUICK_ENDS_MAX = 2;
/** So many connections in a row may break after they stood, with no word from the server between them. */
const BREAKS_MAX = 3;
/** A gateway's word for an answer that it will not wait for any longer. */
const GATEWAY_TIMEOUT = 504;

interface OpenChannel extends Channel {
  readonly openedMs: number;
  subscriptions: number;
}

/**
 * Waits at one of Box's realtime servers. It makes no second attempt at anything that failed: the one who calls it
 * owns the retries, and knows how else to learn of changes.
 */
export class LongPoll {
  readonly #session: BoxSession;
  readonly #clock: Clock;
  #channel: OpenChannel | undefined;
  #quickEnds = 0;
  #breaks = 0;

  constructor(session: BoxSession, clock: Clock) {
    this.#session = session;
    this.#clock = clock;
  }

  /**
   * Wait for a sign of change after `streamPosition`.
   *
   * Guarantees: returns soon after an abort; a channel is asked for only where none is open, and again only after one
   * that stood for a while or twice in a row after ones that did not.
   * Errors: TransientError 'realtime-unreachable', naming the host, at once when the realtime server does not serve ·
   * what asking the API for a channel throws (AuthError · TransientError).
   */
  async wait(streamPosition: string, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        const channel = await this.#open(signal);
        const message = await this.#listen(channel, streamPosition, signal);
        if (message === 'new_change') {
          this.#quickEnds = 0;
          return;
        }
        if (message === undefined) continue;
        this.#ended(channel);
        // An unknown word is better looked at than waited out.
        if (message !== 'reconnect' && message !== 'max_retries') return;
      } catch (error) {
        if (signal.aborted) return;
        throw error;
      }
    }
  }

  /** Subscribe once. Returns the server's word; undefined when the connection was lost after it stood for a while. */
  async #listen(
    channel: OpenChannel,
    streamPosition: string,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    channel.subscriptions += 1;
    const startedMs = this.#clock.monotonic();
    try {
      const message = await subscribe(this.#session, channel, { streamPosition, signal });
      this.#breaks = 0;
      return message;
    } catch (error) {
      // Silence for the whole time is what Box announces for a lost connection: subscribe again, same server.
      if (causeOf(error)?.code === 'stalled') return undefined;
      if (this.#brokeAfterStanding(error, startedMs)) return undefined;
      if (error instanceof TransientError && error.code === 'realtime-unreachable') this.#channel = undefined;
      throw error;
    }
  }

  /** What stands between cuts idle connections in the midst: the server was reached, and the next one takes over. */
  #brokeAfterStanding(error: unknown, startedMs: number): boolean {
    const cause = causeOf(error);
    const broke = cause?.effectUnknown === true || refusalOf(cause)?.status === GATEWAY_TIMEOUT;
    if (!broke || this.#clock.monotonic() - startedMs < STOOD_MS) return false;
    this.#breaks += 1;
    return this.#breaks < BREAKS_MAX;
  }

  /** The server ended the channel. Errors: TransientError when it keeps doing so at once. */
  #ended(channel: OpenChannel): void {
    this.#channel = undefined;
    this.#quickEnds = this.#clock.monotonic() - channel.openedMs < STOOD_MS ? this.#quickEnds + 1 : 0;
    if (this.#quickEnds > QUICK_ENDS_MAX) throw endsAtOnce(channel.url.host);
  }

  async #open(signal: AbortSignal): Promise<OpenChannel> {
    const present = this.#channel;
    // Used up: the next server is asked for at once, since the sign that is waited for may be the one that counts.
    if (present !== undefined && present.subscriptions < present.subscriptionsMax) return present;
    this.#channel = undefined;
    const channel = await askForChannel(this.#session, signal);
    this.#channel = { ...channel, openedMs: this.#clock.monotonic(), subscriptions: 0 };
    return this.#channel;
  }
}

function causeOf(error: unknown): TransientError | undefined {
  const cause = error instanceof TransientError ? error.cause : undefined;
  return cause instanceof TransientError ? cause : undefined;
}
