import type { Clock } from '../../clock.ts';
import { AuthError, FullError, InvariantError, messageOf, TransientError } from '../../errors.ts';
import type { Logger } from '../../logger.ts';
import type { RemoteObserver } from './remote-observer.ts';

interface RemoteSideOptions {
  readonly observer: RemoteObserver;
  /** How many calls a look at everything costs. */
  readonly callsOfFullLook: () => number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

/** How far Box can be trusted to be known. */
export type RemoteView = 'unknown' | 'visible' | 'lost' | 'unreachable';

const RETRY_MS = 5000;
/** Box loses an event now and then, and nobody tells: everything is looked at again this rarely, ... */
const FULL_LOOK_MIN_MS = 30 * 60_000;
/** ... and so rarely that such looks cost five calls an hour at most. */
const FULL_LOOK_MS_PER_CALL = 12 * 60_000;

/**
 * Decides when to look at Box, and remembers how that went.
 *
 * Guarantees: everything is looked at again now and then, for events that never came; failures are told, not thrown, once Box has been seen; before that, missing permission ends the start.
 */
export class RemoteSide {
  readonly observer: RemoteObserver;
  readonly #options: RemoteSideOptions;
  #pending: 'none' | 'hints' | 'full' = 'hints';
  #retryAtMs: number | undefined;
  #fullLookAtMs: number;
  #view: RemoteView = 'unknown';
  #everVisible = false;
  #trouble: string | null = null;

  constructor(options: RemoteSideOptions) {
    this.#options = options;
    this.observer = options.observer;
    this.#fullLookAtMs = this.#nextFullLookMs();
  }

  /** Ask for a look, at what the feed tells or at everything. */
  hint(look: 'hints' | 'full'): void {
    if (this.#pending !== 'full') this.#pending = look;
    this.#retryAtMs = undefined;
  }

  get view(): RemoteView {
    return this.#view;
  }

  /** True when the remote tree may be planned on: Box was seen, and the folder was visible when last looked at. */
  get usable(): boolean {
    return this.#everVisible && this.#view !== 'lost';
  }

  /** True while a look is asked for. */
  get pending(): boolean {
    return this.#pending !== 'none';
  }

  get trouble(): string | null {
    return this.#trouble;
  }

  /** When to look without being asked to. Units: the monotonic clock's milliseconds. */
  get nextAtMs(): number {
    return this.#retryAtMs ?? this.#fullLookAtMs;
  }

  /** Look, if asked for and not resting after a failure. */
  async look(): Promise<void> {
    const { clock, signal } = this.#options;
    if (this.#retryAtMs !== undefined && clock.monotonic() < this.#retryAtMs) return;
    if (clock.monotonic() >= this.#fullLookAtMs) this.#pending = 'full';
    if (this.#pending === 'none' && this.#retryAtMs === undefined) return;
    const full = this.#pending === 'full' || this.#view === 'lost';
    this.#pending = 'none';
    try {
      this.#saw(await this.observer.look(full));
      if (full) this.#fullLookAtMs = this.#nextFullLookMs();
    } catch (error) {
      if (signal.aborted) return;
      this.#failed(error, full);
    }
  }

  #nextFullLookMs(): number {
    const waitMs = Math.max(FULL_LOOK_MIN_MS, this.#options.callsOfFullLook() * FULL_LOOK_MS_PER_CALL);
    return this.#options.clock.monotonic() + waitMs;
  }

  #saw(view: 'visible' | 'lost'): void {
    const lost = view === 'lost';
    this.#view = view;
    this.#everVisible ||= !lost;
    this.#retryAtMs = lost ? this.#options.clock.monotonic() + RETRY_MS : undefined;
    this.#trouble = lost ? 'the shared folder is not visible to this account any more' : null;
  }

  #failed(error: unknown, full: boolean): void {
    if (error instanceof InvariantError) throw error;
    if (error instanceof AuthError && !this.#everVisible) throw error;
    this.#pending = full ? 'full' : 'hints';
    // Box answered; it is this machine that has no room for the answer.
    if (error instanceof FullError) throw error;
    const { clock, logger } = this.#options;
    logger.warn({ error: messageOf(error) }, 'Box could not be looked at');
    const retryAfterMs = error instanceof TransientError ? (error.retryAfterMs ?? 0) : 0;
    this.#trouble = messageOf(error);
    this.#retryAtMs = clock.monotonic() + Math.max(RETRY_MS, retryAfterMs);
    this.#view = 'unreachable';
  }
}
