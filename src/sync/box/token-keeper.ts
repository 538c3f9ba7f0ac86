import type { Clock } from '../../clock.ts';
import type { Logger } from '../../logger.ts';
import { abandonable } from './abort.ts';
import type { Access } from './access.ts';
import type { Grant, IssuedToken } from './grants.ts';

/** A token is renewed this long before it ends, or after four fifths of a short life. */
const RENEWAL_MARGIN_MS = 120_000;
const RENEWAL_SHARE = 0.2;

export interface TokenKeeperOptions {
  readonly grant: Grant;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly headers?: Readonly<Record<string, string>>;
  /** The account's id, where it is known. */
  readonly user?: string | undefined;
}

interface Held {
  readonly token: string;
  readonly renewAtMs: number;
  readonly endsAtMs: number;
}

/**
 * Holds one identity's token.
 *
 * Guarantees: any number of callers at once cost one request; a token is replaced before it ends, and when Box
 * refuses it; a caller who gives up does not disturb the others.
 */
export class TokenKeeper implements Access {
  readonly headers: Readonly<Record<string, string>>;
  #user: string | undefined;
  readonly #options: TokenKeeperOptions;
  #held: Held | undefined;
  #pending: Promise<string> | undefined;

  constructor(options: TokenKeeperOptions) {
    this.#options = options;
    this.headers = options.headers ?? {};
    this.#user = options.user;
  }

  get user(): string | undefined {
    return this.#user;
  }

  /** Say whose tokens these are, where only Box could tell. */
  identify(user: string): void {
    this.#user = user;
  }

  /** When the held token ends, by the monotonic clock; undefined when none is held. */
  get endsAtMs(): number | undefined {
    return this.#held?.endsAtMs;
  }

  async token(signal?: AbortSignal): Promise<string> {
    const held = this.#held;
    if (held !== undefined && this.#options.clock.monotonic() < held.renewAtMs) return held.token;
    this.#pending ??= this.#renew().finally(() => {
      this.#pending = undefined;
    });
    return await abandonable(this.#pending, signal);
  }

  refuse(token: string): void {
    // Another caller may have replaced it already.
    if (this.#held?.token === token) this.#held = undefined;
  }

  async #renew(): Promise<string> {
    const { grant, clock, logger } = this.#options;
    const held = this.#held;
    let issued: IssuedToken;
    try {
      issued = await grant.issue();
    } catch (error) {
      // A renewal that fails early does no harm while the old token still lives.
      if (held !== undefined && clock.monotonic() < held.endsAtMs && this.#held === held) return held.token;
      throw error;
    }
    const nowMs = clock.monotonic();
    const marginMs = Math.min(RENEWAL_MARGIN_MS, issued.lifetimeMs * RENEWAL_SHARE);
    this.#held = {
      token: issued.token,
      renewAtMs: nowMs + issued.lifetimeMs - marginMs,
      endsAtMs: nowMs + issued.lifetimeMs,
    };
    logger.debug({ lifetimeSeconds: Math.round(issued.lifetimeMs / 1000) }, 'got an access token');
    return issued.token;
  }
}
