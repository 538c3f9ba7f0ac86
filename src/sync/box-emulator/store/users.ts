import type { Sql } from './database.ts';
import type { UserKind, UserRow } from './rows.ts';
import { assignments, type Query, query, type SqlValue } from './rows-of.ts';

/** A user about to exist. */
export interface NewUser {
  readonly kind: UserKind;
  readonly role?: UserRow['role'];
  readonly name: string;
  readonly login: string;
  readonly status?: string;
  readonly spaceAmount: number;
  readonly externalAppUserId?: string | null;
  readonly details?: Readonly<Record<string, unknown>>;
  readonly now: number;
}

/** Which users a listing wants. */
export interface UserFilter {
  /** Prefix of name or login, any case. */
  readonly term?: string;
  readonly externalAppUserId?: string;
  /** Without managed users, as an app with app access alone sees the enterprise. */
  readonly appUsersOnly?: boolean;
  readonly afterId?: number;
  readonly limit: number;
  readonly offset: number;
}

/** The accounts of the enterprise. */
export class Users {
  readonly #sql: Sql;
  readonly #byId: Query<UserRow>;
  readonly #byLogin: Query<UserRow>;
  readonly #addSpace;
  readonly #cache = new Map<number, UserRow>();

  constructor(sql: Sql) {
    this.#sql = sql;
    this.#byId = query(sql, 'SELECT * FROM users WHERE id = ?');
    this.#addSpace = sql.prepare('UPDATE users SET space_used = max(0, space_used + ?) WHERE id = ?');
    this.#byLogin = query(sql, 'SELECT * FROM users WHERE login = ? COLLATE NOCASE');
  }

  get(id: number): UserRow | undefined {
    const known = this.#cache.get(id);
    if (known !== undefined) return known;
    const row = this.#byId.get(id);
    if (row !== undefined) this.#cache.set(id, row);
    return row;
  }

  byLogin(login: string): UserRow | undefined {
    return this.#byLogin.get(login);
  }

  insert(user: NewUser): UserRow {
    const values: SqlValue[] = [
      user.kind,
      user.role ?? 'user',
      user.name,
      user.login,
      user.status ?? 'active',
      user.now,
      user.now,
      user.spaceAmount,
      user.externalAppUserId ?? null,
      JSON.stringify(user.details ?? {}),
    ];
    const row = query<UserRow>(
      this.#sql,
      `INSERT INTO users (kind, role, name, login, status, created_at, modified_at, space_amount, space_used,
       external_app_user_id, details) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?) RETURNING *`,
    ).get(...values);
    if (row === undefined) throw new TypeError('an insert that returns its row returned none');
    return row;
  }

  update(id: number, change: Partial<Omit<UserRow, 'id'>>): void {
    const set = assignments(change);
    if (set.values.length > 0)
      this.#sql.prepare(`UPDATE users SET ${set.text} WHERE id = ?`).run(...set.values, id);
    this.#cache.delete(id);
  }

  /** Count bytes that the user's files gained or lost. */
  addSpaceUsed(id: number, bytes: number): void {
    if (bytes === 0) return;
    this.#addSpace.run(bytes, id);
    this.#cache.delete(id);
  }

  remove(id: number): void {
    this.#sql.prepare('DELETE FROM users WHERE id = ?').run(id);
    this.#cache.delete(id);
  }

  list(filter: UserFilter): { readonly rows: readonly UserRow[]; readonly total: number } {
    const conditions = ["kind <> 'service'", "coalesce(json_extract(details, '$.external'), 0) = 0"];
    const values: SqlValue[] = [];
    if (filter.term !== undefined) {
      conditions.push("(name LIKE ? ESCAPE '\\' OR login LIKE ? ESCAPE '\\')");
      const prefix = `${filter.term.replace(/[\\%_]/g, '\\$&')}%`;
      values.push(prefix, prefix);
    }
    if (filter.externalAppUserId !== undefined) {
      conditions.push('external_app_user_id = ?');
      values.push(filter.externalAppUserId);
    }
    if (filter.appUsersOnly === true) conditions.push("kind = 'app'");
    const where = conditions.join(' AND ');
    const total =
      query<{ total: number }>(this.#sql, `SELECT count(*) AS total FROM users WHERE ${where}`).get(...values)
        ?.total ?? 0;
    const rows = query<UserRow>(
      this.#sql,
      `SELECT * FROM users WHERE ${where} AND id > ? ORDER BY id LIMIT ? OFFSET ?`,
    ).all(...values, filter.afterId ?? 0, filter.limit, filter.offset);
    return { rows, total };
  }

  all(): readonly UserRow[] {
    return query<UserRow>(this.#sql, 'SELECT * FROM users ORDER BY id').all();
  }

  /** Forget rows held in memory, after a transaction that was rolled back. */
  forgetCached(): void {
    this.#cache.clear();
  }
}
