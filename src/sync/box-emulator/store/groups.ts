import type { Sql } from './database.ts';
import type { GroupRow, MembershipRow } from './rows.ts';
import { assignments, query, type SqlValue } from './rows-of.ts';

/** Which groups a listing wants. */
export interface GroupFilter {
  /** Prefix of the name, any case. */
  readonly term?: string;
  readonly appGroupsOnly: boolean;
  readonly limit: number;
  readonly offset: number;
}

/** The enterprise's groups and who is in them. */
export class Groups {
  readonly #sql: Sql;

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  get(id: number): GroupRow | undefined {
    return query<GroupRow>(this.#sql, 'SELECT * FROM groups WHERE id = ?').get(id);
  }

  byName(name: string): GroupRow | undefined {
    return query<GroupRow>(this.#sql, 'SELECT * FROM groups WHERE name_key = ?').get(name.toLowerCase());
  }

  insert(group: {
    name: string;
    byApp: boolean;
    details: Readonly<Record<string, unknown>>;
    now: number;
  }): GroupRow {
    const row = query<GroupRow>(
      this.#sql,
      `INSERT INTO groups (name, name_key, by_app, created_at, modified_at, details) VALUES (?, ?, ?, ?, ?, ?) RETURNING *`,
    ).get(
      group.name,
      group.name.toLowerCase(),
      group.byApp ? 1 : 0,
      group.now,
      group.now,
      JSON.stringify(group.details),
    );
    if (row === undefined) throw new TypeError('an insert that returns its row returned none');
    return row;
  }

  update(id: number, change: Partial<Omit<GroupRow, 'id' | 'name_key'>>): void {
    const set = assignments({ ...change, name_key: change.name?.toLowerCase() });
    if (set.values.length > 0)
      this.#sql.prepare(`UPDATE groups SET ${set.text} WHERE id = ?`).run(...set.values, id);
  }

  remove(id: number): void {
    this.#sql.prepare('DELETE FROM memberships WHERE group_id = ?').run(id);
    this.#sql.prepare('DELETE FROM groups WHERE id = ?').run(id);
  }

  list(filter: GroupFilter): { readonly rows: readonly GroupRow[]; readonly total: number } {
    const conditions = ['1 = 1'];
    const values: SqlValue[] = [];
    if (filter.term !== undefined) {
      conditions.push("name LIKE ? ESCAPE '\\'");
      values.push(`${filter.term.replace(/[\\%_]/g, '\\$&')}%`);
    }
    if (filter.appGroupsOnly) conditions.push('by_app = 1');
    const where = conditions.join(' AND ');
    const total =
      query<{ total: number }>(this.#sql, `SELECT count(*) AS total FROM groups WHERE ${where}`).get(
        ...values,
      )?.total ?? 0;
    const rows = query<GroupRow>(
      this.#sql,
      `SELECT * FROM groups WHERE ${where} ORDER BY name_key LIMIT ? OFFSET ?`,
    ).all(...values, filter.limit, filter.offset);
    return { rows, total };
  }

  membership(id: number): MembershipRow | undefined {
    return query<MembershipRow>(this.#sql, 'SELECT * FROM memberships WHERE id = ?').get(id);
  }

  membershipOf(groupId: number, userId: number): MembershipRow | undefined {
    return query<MembershipRow>(
      this.#sql,
      'SELECT * FROM memberships WHERE group_id = ? AND user_id = ?',
    ).get(groupId, userId);
  }

  memberships(of: { groupId: number } | { userId: number }): readonly MembershipRow[] {
    return 'groupId' in of
      ? query<MembershipRow>(this.#sql, 'SELECT * FROM memberships WHERE group_id = ? ORDER BY id').all(
          of.groupId,
        )
      : query<MembershipRow>(this.#sql, 'SELECT * FROM memberships WHERE user_id = ? ORDER BY id').all(
          of.userId,
        );
  }

  addMember(member: { userId: number; groupId: number; role: string; now: number }): MembershipRow {
    const row = query<MembershipRow>(
      this.#sql,
      `INSERT INTO memberships (user_id, group_id, role, created_at, modified_at) VALUES (?, ?, ?, ?, ?) RETURNING *`,
    ).get(member.userId, member.groupId, member.role, member.now, member.now);
    if (row === undefined) throw new TypeError('an insert that returns its row returned none');
    return row;
  }

  changeMember(id: number, role: string, now: number): void {
    this.#sql.prepare('UPDATE memberships SET role = ?, modified_at = ? WHERE id = ?').run(role, now, id);
  }

  removeMember(id: number): void {
    this.#sql.prepare('DELETE FROM memberships WHERE id = ?').run(id);
  }

  removeUser(userId: number): void {
    this.#sql.prepare('DELETE FROM memberships WHERE user_id = ?').run(userId);
  }
}
