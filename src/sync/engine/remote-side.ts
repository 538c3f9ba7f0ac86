import type { Clock } from '../../clock.ts';
import { AuthError, FullError, InvariantError, messageOf, TransientError } from '../../errors.ts';
import type { Logger } from '../../logger.ts';
import type { FolderView, RemoteObserver } from './remote-observer.ts';

interface RemoteSideOptions {
  readonly observer: RemoteObserver;
  /** How many calls a look at everything costs. */
  readonly callsOfFullLook: () => number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  /** Called when a look has ended, well or not. */
  readonly onLooked: () => void;
  /** Called when Box answers again after it was out of reach. */
  readonly onBack: () => void;
}

/** How far Box can be trusted to be known. */
export type RemoteView = 'unknown' | 'visible' | 'lost' | 'unreachable';

/** A look at what an op found otherwise than planned. */
export type Recheck = (observer: RemoteObserver) => Promise<FolderView>;

/** While Box is out of reach or the folder out of sight, it is looked for after this wait, which doubles ... */
const RETRY_MS = 5000;
/** ... up to this. */
const RETRY_MAX_MS = 60_000;
/** After so many failures in a row everything is listed: perhaps it is the position that Box does not take. */
const FAILURES_WITH_HINTS = 3;
/** Box loses an event now and then, and nobody tells: everything is looked at again this rarely, ... */
const FULL_LOOK_MIN_MS = 30 * 60_000;
/** ... and so rarely that such looks cost five calls an hour at most. */
const FULL_LOOK_MS_PER_CALL = 12 * 60_000;

/** What a person reads while the mirrored folder is out of sight. */
const LOST_TEXTS = {
  trashed: "the mirrored folder is in Box's trash; nothing is deleted here. Restore it in Box",
  hidden:
    'the mirrored folder is not visible to this account any more; nothing is deleted here. Share it with the account again, or move it back',
};

/**
 * Decides when to look at Box, looks beside the control loop, and remembers how that went.
 *
 * Guarantees: one look at a time; everything is looked at again now and then, for events that never came; failures are
 * told, not thrown, once Box has been seen; before that, missing permission ends the start; while Box is out of reach,
 * one look after a growing wait is all that is asked of it.
 */
export class RemoteSide {
  readonly observer: RemoteObserver;
  readonly #options: RemoteSideOptions;
  readonly #rechecks: Recheck[] = [];
  #pending: 'none' | 'hints' | 'full' = 'hints';
  #running: Promise<void> | undefined;
  #retryAtMs: number | undefined;
  /** Looks in a row that failed or did not find the folder. */
  #failures = 0;
  #fullLookAtMs: number;
  #view: RemoteView = 'unknown';
  #everVisible = false;
  #trouble: string | null = null;
  #failure: unknown;

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

  /** Ask for a look at what an op found otherwise than planned. */
  recheck(look: Recheck): void {
    this.#rechecks.push(look);
  }

  get view(): RemoteView {
    return this.#view;
  }

  /** True when the remote tree may be planned on: Box was seen, and the folder was visible when last looked at. */
  get usable(): boolean {
    return this.#everVisible && this.#view === 'visible';
  }

  /** True while a look is asked for or under way. */
  get pending(): boolean {
    return this.#pending !== 'none' || this.#rechecks.length > 0 || this.#running !== undefined;
  }

  get trouble(): string | null {
    return this.#trouble;
  }

  /** When to look without being asked to; undefined while a look runs. Units: the monotonic clock's milliseconds. */
  get nextAtMs(): number | undefined {
    return this.#running === undefined ? (this.#retryAtMs ?? this.#fullLookAtMs) : undefined;
  }

  /** Begin to look, if that is asked for, none runs, and it does not rest after a failure. Errors: those of the last look. */
  begin(): void {
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure !== undefined) throw failure;
    if (this.#running !== undefined || !this.#isDue()) return;
    this.#running = this.#work()
      .catch((error: unknown) => {
        this.#failure = error;
      })
      .finally(() => {
        this.#running = undefined;
        this.#options.onLooked();
      });
  }

  /** Wait for a look that runs. */
  async close(): Promise<void> {
    await this.#running;
  }

  #isDue(): boolean {
    const now = this.#options.clock.monotonic();
    if (this.#retryAtMs !== undefined && now < this.#retryAtMs) return false;
    if (now >= this.#fullLookAtMs) this.#pending = 'full';
    return this.#pending !== 'none' || this.#retryAtMs !== undefined || this.#rechecks.length > 0;
  }

  async #work(): Promise<void> {
    const { signal } = this.#options;
    if (this.#pending !== 'none' || this.#retryAtMs !== undefined) await this.#look();
    for (const recheck of this.#view === 'visible' ? this.#rechecks.splice(0) : []) {
      if (signal.aborted) return;
      await this.#recheck(recheck);
    }
  }

  async #look(): Promise<void> {
    const full = this.#pending === 'full' || this.#view === 'lost';
    this.#pending = 'none';
    try {
      await this.#saw(await this.observer.look(full));
      if (full) this.#fullLookAtMs = this.#nextFullLookMs();
    } catch (error) {
      if (this.#options.signal.aborted) return;
      this.#failed(error, full);
    }
  }

  async #recheck(recheck: Recheck): Promise<void> {
    try {
      if ((await recheck(this.observer)) === 'lost') await this.#saw('lost');
    } catch (error) {
      if (error instanceof InvariantError || error instanceof FullError) throw error;
      this.#options.logger.warn({ error: messageOf(error) }, 'a second look at Box failed');
      this.hint('hints');
    }
  }

  #nextFullLookMs(): number {
    const waitMs = Math.max(FULL_LOOK_MIN_MS, this.#options.callsOfFullLook() * FULL_LOOK_MS_PER_CALL);
    return this.#options.clock.monotonic() + waitMs;
  }

  async #saw(view: FolderView): Promise<void> {
    const wasUnreachable = this.#view === 'unreachable';
    this.#view = view;
    if (view === 'lost') {
      this.#rest();
      const why = await this.observer.whyLost().catch(() => 'hidden' as const);
      this.#trouble = LOST_TEXTS[why];
      return;
    }
    this.#everVisible = true;
    this.#failures = 0;
    this.#retryAtMs = undefined;
    this.#trouble = null;
    if (wasUnreachable) this.#options.onBack();
  }

  /** Look again after a wait that grows. */
  #rest(forMs = 0): void {
    const waitMs = Math.min(RETRY_MAX_MS, RETRY_MS * 2 ** this.#failures);
    this.#failures += 1;
    this.#retryAtMs = this.#options.clock.monotonic() + Math.max(waitMs, forMs);
  }

  #failed(error: unknown, full: boolean): void {
    if (error instanceof InvariantError) throw error;
    if (error instanceof AuthError && !this.#everVisible) throw error;
    this.#pending = full ? 'full' : 'hints';
    // Box answered; it is this machine that has no room for the answer.
    if (error instanceof FullError) throw error;
    this.#options.logger.warn({ error: messageOf(error) }, 'Box could not be looked at');
    this.#rest(error instanceof TransientError ? (error.retryAfterMs ?? 0) : 0);
    if (this.#failures >= FAILURES_WITH_HINTS) this.#pending = 'full';
    this.#trouble = messageOf(error);
    this.#view = 'unreachable';
  }
}
