import type { Sql } from './database.ts';
import { query } from './rows-of.ts';

/** Small named JSON values that survive a restart: the app, its keys, the enterprise. */
export class Meta {
  readonly #sql: Sql;

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  get(key: string): unknown {
    const row = query<{ value: string }>(this.#sql, 'SELECT value FROM meta WHERE key = ?').get(key);
    return row === undefined ? undefined : (JSON.parse(row.value) as unknown);
  }

  set(key: string, value: unknown): void {
    this.#sql
      .prepare(
        'INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value',
      )
      .run(key, JSON.stringify(value));
  }
}
