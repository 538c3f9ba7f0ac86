import type { Sql } from './database.ts';

/** What a statement can bind. */
export type SqlValue = string | number | bigint | null | Uint8Array;

/** One prepared statement whose rows have a known type: the schema is this program's own, so rows are trusted. */
export interface Query<Row> {
  get(...values: readonly SqlValue[]): Row | undefined;
  all(...values: readonly SqlValue[]): Row[];
}

/** Prepare a query once. */
export function query<Row>(sql: Sql, text: string): Query<Row> {
  const statement = sql.prepare<SqlValue[], Row>(text);
  return {
    get: (...values) => statement.get(...values),
    all: (...values) => statement.all(...values),
  };
}

/** Build "a = ?, b = ?" and its values from the defined members of a change. */
export function assignments(change: Readonly<Record<string, SqlValue | undefined>>): {
  readonly text: string;
  readonly values: readonly SqlValue[];
} {
  const names: string[] = [];
  const values: SqlValue[] = [];
  for (const [name, value] of Object.entries(change)) {
    if (value === undefined) continue;
    names.push(`${name} = ?`);
    values.push(value);
  }
  return { text: names.join(', '), values };
}
