import type { Sql } from './database.ts';
import { type Query, query } from './rows-of.ts';

/** What a token may do. */
export interface Authority {
  readonly scopes: readonly string[];
  /** What a downscoped token is restricted to; null for a full token. */
  readonly restrictions: readonly Restriction[] | null;
}

/** One line of a downscoped token's `restricted_to`. */
export interface Restriction {
  readonly scope: string;
  readonly itemId: number | null;
}

/** A token as it is stored. */
export interface StoredToken {
  readonly token: string;
  readonly userId: number;
  readonly expiresAt: number;
  readonly authority: Authority;
}

interface TokenRow {
  readonly token: string;
  readonly user_id: number;
  readonly expires_at: number;
  readonly authority: string;
}

/** Access tokens, and the assertions that were already spent. */
export class Tokens {
  readonly #sql: Sql;
  readonly #byToken: Query<TokenRow>;
  readonly #cache = new Map<string, StoredToken>();

  constructor(sql: Sql) {
    this.#sql = sql;
    this.#byToken = query(sql, 'SELECT * FROM tokens WHERE token = ?');
  }

  get(token: string): StoredToken | undefined {
    const known = this.#cache.get(token);
    if (known !== undefined) return known;
    const row = this.#byToken.get(token);
    if (row === undefined) return undefined;
    const stored: StoredToken = {
      token,
      userId: row.user_id,
      expiresAt: row.expires_at,
      authority: JSON.parse(row.authority) as Authority,
    };
    this.#cache.set(token, stored);
    return stored;
  }

  add(stored: StoredToken): void {
    this.#sql
      .prepare('INSERT INTO tokens (token, user_id, expires_at, authority) VALUES (?, ?, ?, ?)')
      .run(stored.token, stored.userId, stored.expiresAt, JSON.stringify(stored.authority));
    this.#cache.set(stored.token, stored);
  }

  revoke(token: string): void {
    this.#sql.prepare('DELETE FROM tokens WHERE token = ?').run(token);
    this.#cache.delete(token);
  }

  revokeUser(userId: number): void {
    this.#sql.prepare('DELETE FROM tokens WHERE user_id = ?').run(userId);
    this.#cache.clear();
  }

  /** Make every token of now look expired, as after a change that needs fresh ones. */
  expireAll(now: number): void {
    this.#sql.prepare('UPDATE tokens SET expires_at = ? WHERE expires_at > ?').run(now, now);
    this.#cache.clear();
  }

  /** Spend an assertion's id. Returns false when it was spent before. */
  spendAssertion(jti: string, expiresAt: number, now: number): boolean {
    this.#sql.prepare('DELETE FROM used_assertions WHERE expires_at < ?').run(now - 3_600_000);
    const result = this.#sql
      .prepare('INSERT OR IGNORE INTO used_assertions (jti, expires_at) VALUES (?, ?)')
      .run(jti, expiresAt);
    return result.changes === 1;
  }

  /** Drop tokens that expired long ago: until then their use is told apart from that of an unknown one. */
  prune(now: number): void {
    this.#sql.prepare('DELETE FROM tokens WHERE expires_at < ?').run(now - 86_400_000);
    this.#cache.clear();
  }
}
