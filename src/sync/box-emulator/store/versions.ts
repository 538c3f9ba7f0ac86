import type { Sql } from './database.ts';
import type { VersionRow } from './rows.ts';
import { assignments, type Query, query } from './rows-of.ts';

/** A version about to exist. */
export type NewVersion = Omit<VersionRow, 'id' | 'trashed_at' | 'trashed_by' | 'restored_at' | 'restored_by'>;

/** Every content that a file ever had. */
export class Versions {
  readonly #sql: Sql;
  readonly #byId: Query<VersionRow>;
  readonly #insert: Query<VersionRow>;

  constructor(sql: Sql) {
    this.#sql = sql;
    this.#byId = query(sql, 'SELECT * FROM versions WHERE id = ?');
    this.#insert = query(
      sql,
      `INSERT INTO versions (item_id, blob_id, sha1, size, name, number, created_at, modified_at, modified_by)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING *`,
    );
  }

  get(id: number): VersionRow | undefined {
    return this.#byId.get(id);
  }

  insert(version: NewVersion): VersionRow {
    const row = this.#insert.get(
      version.item_id,
      version.blob_id,
      version.sha1,
      version.size,
      version.name,
      version.number,
      version.created_at,
      version.modified_at,
      version.modified_by,
    );
    if (row === undefined) throw new TypeError('an insert that returns its row returned none');
    return row;
  }

  update(id: number, change: Partial<Omit<VersionRow, 'id'>>): void {
    const set = assignments(change);
    if (set.values.length > 0)
      this.#sql.prepare(`UPDATE versions SET ${set.text} WHERE id = ?`).run(...set.values, id);
  }

  /** All of a file's versions, newest first, the current one included. */
  ofItem(itemId: number): readonly VersionRow[] {
    return query<VersionRow>(this.#sql, 'SELECT * FROM versions WHERE item_id = ? ORDER BY id DESC').all(
      itemId,
    );
  }

  all(): readonly VersionRow[] {
    return query<VersionRow>(this.#sql, 'SELECT * FROM versions ORDER BY item_id, id').all();
  }

  remove(id: number): void {
    this.#sql.prepare('DELETE FROM versions WHERE id = ?').run(id);
  }

  usesBlob(blobId: string): boolean {
    return query(this.#sql, 'SELECT 1 FROM versions WHERE blob_id = ? LIMIT 1').get(blobId) !== undefined;
  }
}
