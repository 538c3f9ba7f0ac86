import type { Statement } from 'better-sqlite3';
import type { Sql } from './database.ts';
import { type ItemKind, type ItemRow, RANK_OF_KIND } from './rows.ts';
import { assignments, type Query, query, type SqlValue } from './rows-of.ts';

/** An item about to exist. */
export interface NewItem {
  readonly kind: ItemKind;
  readonly parentId: number;
  readonly ownerId: number;
  readonly name: string;
  readonly nameKey: string;
  readonly now: number;
  readonly contentCreatedAt?: number | undefined;
  readonly contentModifiedAt?: number | undefined;
  readonly createdBy: number;
  readonly description?: string;
  readonly url?: string;
}

/** Where in the tree an item is looked for: a folder's children all have the folder's owner. */
export interface Place {
  readonly parentId: number;
  readonly ownerId: number;
}

/** The deepest chain of folders that is followed. */
export const DEPTH_MAX = 1000;

const INSERT = `INSERT INTO items (kind, rank, parent_id, owner_id, name, name_key, etag, status, created_at, modified_at,
  content_created_at, content_modified_at, created_by, modified_by, description, size, version_number, tags, url)
  VALUES (?, ?, ?, ?, ?, ?, 0, 'active', ?, ?, ?, ?, ?, ?, ?, 0, 1, '[]', ?) RETURNING *`;

/** Files, folders and web links. */
export class Items {
  readonly #sql: Sql;
  readonly #byId: Query<ItemRow>;
  readonly #named: Query<ItemRow>;
  readonly #insert: Query<ItemRow>;
  readonly #children: Query<ItemRow>;
  readonly #addSize;
  readonly #updates = new Map<string, Statement<SqlValue[]>>();

  constructor(sql: Sql) {
    this.#sql = sql;
    this.#byId = query(sql, 'SELECT * FROM items WHERE id = ?');
    this.#named = query(
      sql,
      `SELECT * FROM items WHERE parent_id = ? AND owner_id = ? AND name_key = ? AND status = 'active' LIMIT 1`,
    );
    this.#insert = query(sql, INSERT);
    this.#children = query(sql, 'SELECT * FROM items WHERE parent_id = ? AND owner_id = ? ORDER BY id');
    this.#addSize = sql.prepare('UPDATE items SET size = max(0, size + ?) WHERE id = ?');
  }

  get(id: number): ItemRow | undefined {
    return this.#byId.get(id);
  }

  /** The active item that holds this name, in any case. */
  named(place: Place, nameKey: string): ItemRow | undefined {
    return this.#named.get(place.parentId, place.ownerId, nameKey);
  }

  insert(item: NewItem): ItemRow {
    const row = this.#insert.get(
      item.kind,
      RANK_OF_KIND[item.kind],
      item.parentId,
      item.ownerId,
      item.name,
      item.nameKey,
      item.now,
      item.now,
      item.contentCreatedAt ?? item.now,
      item.contentModifiedAt ?? item.now,
      item.createdBy,
      item.createdBy,
      item.description ?? '',
      item.url ?? null,
    );
    if (row === undefined) throw new TypeError('an insert that returns its row returned none');
    return row;
  }

  update(id: number, change: Partial<Omit<ItemRow, 'id'>>): void {
    const set = assignments(change);
    if (set.values.length === 0) return;
    let statement = this.#updates.get(set.text);
    if (statement === undefined) {
      statement = this.#sql.prepare<SqlValue[]>(`UPDATE items SET ${set.text} WHERE id = ?`);
      this.#updates.set(set.text, statement);
    }
    statement.run(...set.values, id);
  }

  remove(id: number): void {
    this.#sql.prepare('DELETE FROM items WHERE id = ?').run(id);
  }

  /** The folders above an item, from the top down; the root is not among them. */
  ancestors(item: ItemRow): ItemRow[] {
    const found: ItemRow[] = [];
    let parentId = item.parent_id;
    while (parentId !== 0 && found.length < DEPTH_MAX) {
      const parent = this.get(parentId);
      if (parent === undefined) break;
      found.push(parent);
      parentId = parent.parent_id;
    }
    return found.reverse();
  }

  /** Count bytes that entered or left a folder, all the way up. */
  addSize(parentId: number, bytes: number): void {
    let id = parentId;
    for (let depth = 0; id !== 0 && bytes !== 0 && depth < DEPTH_MAX; depth += 1) {
      this.#addSize.run(bytes, id);
      id = this.get(id)?.parent_id ?? 0;
    }
  }

  /** All that stands directly in a place, trashed ones included. */
  children(place: Place): readonly ItemRow[] {
    return this.#children.all(place.parentId, place.ownerId);
  }

  hasActiveChild(place: Place): boolean {
    return (
      query(
        this.#sql,
        `SELECT 1 FROM items WHERE parent_id = ? AND owner_id = ? AND status = 'active' LIMIT 1`,
      ).get(place.parentId, place.ownerId) !== undefined
    );
  }

  countActive(place: Place): number {
    return (
      query<{ total: number }>(
        this.#sql,
        `SELECT count(*) AS total FROM items WHERE parent_id = ? AND owner_id = ? AND status = 'active'`,
      ).get(place.parentId, place.ownerId)?.total ?? 0
    );
  }

  /** One page of a place's active items in a given order. `order` is one of the emulator's own SQL phrases. */
  page(place: Place, order: string, limit: number, offset: number): readonly ItemRow[] {
    return query<ItemRow>(
      this.#sql,
      `SELECT * FROM items WHERE parent_id = ? AND owner_id = ? AND status = 'active' ORDER BY ${order} LIMIT ? OFFSET ?`,
    ).all(place.parentId, place.ownerId, limit, offset);
  }

  /** The page that follows an entry in an order, or the first one. `column` is one of the emulator's own names. */
  pageAfter(
    place: Place,
    after: { readonly rank: number; readonly value: string | number; readonly id: number } | undefined,
    { column, direction }: { readonly column: string; readonly direction: 'ASC' | 'DESC' },
    limit: number,
  ): readonly ItemRow[] {
    const { rank, value, id } = after ?? { rank: -1, value: '', id: 0 };
    const ascending = direction === 'ASC';
    // The first form alone lets the index find the place.
    const behind = ascending
      ? `(rank, ${column}, id) > (?, ?, ?)`
      : `(rank > ? OR (rank = ? AND (${column}, id) < (?, ?)))`;
    return query<ItemRow>(
      this.#sql,
      `SELECT * FROM items WHERE parent_id = ? AND owner_id = ? AND status = 'active' AND ${behind}
       ORDER BY rank, ${column} ${direction}, id ${direction} LIMIT ?`,
    ).all(place.parentId, place.ownerId, ...(ascending ? [] : [rank]), rank, value, id, limit);
  }

  ownedCount(ownerId: number): number {
    return (
      query<{ total: number }>(this.#sql, 'SELECT count(*) AS total FROM items WHERE owner_id = ?').get(
        ownerId,
      )?.total ?? 0
    );
  }

  /** Everything that was trashed by itself, not with a folder around it. */
  trashed(): readonly ItemRow[] {
    return query<ItemRow>(this.#sql, "SELECT * FROM items WHERE status = 'trashed' ORDER BY id").all();
  }

  all(): IterableIterator<ItemRow> {
    return this.#sql.prepare<SqlValue[], ItemRow>('SELECT * FROM items ORDER BY id').iterate();
  }
}
