import type { Sql } from './database.ts';
import type { CollaborationRow } from './rows.ts';
import { assignments, type Query, query } from './rows-of.ts';

/** A collaboration about to exist. */
export type NewCollaboration = Omit<CollaborationRow, 'id' | 'modified_at'>;

/** Who was given which role on which item. */
export class Collaborations {
  readonly #sql: Sql;
  readonly #ofItem: Query<CollaborationRow>;

  constructor(sql: Sql) {
    this.#sql = sql;
    this.#ofItem = query(sql, 'SELECT * FROM collaborations WHERE item_id = ? ORDER BY id');
  }

  get(id: number): CollaborationRow | undefined {
    return query<CollaborationRow>(this.#sql, 'SELECT * FROM collaborations WHERE id = ?').get(id);
  }

  ofItem(itemId: number): readonly CollaborationRow[] {
    return this.#ofItem.all(itemId);
  }

  ofGroup(groupId: number): readonly CollaborationRow[] {
    return query<CollaborationRow>(
      this.#sql,
      'SELECT * FROM collaborations WHERE group_id = ? ORDER BY id',
    ).all(groupId);
  }

  pendingOf(userId: number): readonly CollaborationRow[] {
    return this.ofUser(userId).filter((row) => row.status === 'pending');
  }

  ofUser(userId: number): readonly CollaborationRow[] {
    return query<CollaborationRow>(
      this.#sql,
      'SELECT * FROM collaborations WHERE user_id = ? ORDER BY id',
    ).all(userId);
  }

  all(): readonly CollaborationRow[] {
    return query<CollaborationRow>(this.#sql, 'SELECT * FROM collaborations ORDER BY id').all();
  }

  insert(given: NewCollaboration): CollaborationRow {
    const row = query<CollaborationRow>(
      this.#sql,
      `INSERT INTO collaborations (item_id, user_id, group_id, role, status, created_by, created_at, modified_at,
       expires_at, can_view_path) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING *`,
    ).get(
      given.item_id,
      given.user_id,
      given.group_id,
      given.role,
      given.status,
      given.created_by,
      given.created_at,
      given.created_at,
      given.expires_at,
      given.can_view_path,
    );
    if (row === undefined) throw new TypeError('an insert that returns its row returned none');
    return row;
  }

  update(id: number, change: Partial<Omit<CollaborationRow, 'id'>>): void {
    const set = assignments(change);
    if (set.values.length > 0)
      this.#sql.prepare(`UPDATE collaborations SET ${set.text} WHERE id = ?`).run(...set.values, id);
  }

  remove(id: number): void {
    this.#sql.prepare('DELETE FROM collaborations WHERE id = ?').run(id);
  }

  removeOfItem(itemId: number): void {
    this.#sql.prepare('DELETE FROM collaborations WHERE item_id = ?').run(itemId);
  }
}
