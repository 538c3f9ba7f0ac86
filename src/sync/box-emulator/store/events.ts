import type { Sql } from './database.ts';
import { type Query, query } from './rows-of.ts';

/** An event as it is stored; `source` is JSON of what it is about. */
export interface EventRow {
  readonly id: number;
  readonly event_id: string;
  readonly event_type: string;
  readonly created_at: number;
  readonly created_by: number;
  readonly source: string;
}

/** An event at its place in one user's stream. */
export interface DeliveryRow extends EventRow {
  readonly position: number;
  readonly recorded_at: number;
}

interface PendingRow {
  readonly id: number;
  readonly user_id: number;
  readonly event: number;
}

/** Events and their delivery into each user's stream. */
export class Events {
  readonly #sql: Sql;
  readonly #insert: Query<{ id: number }>;
  readonly #deliver;
  readonly #page: Query<DeliveryRow>;
  readonly #last: Query<{ position: number | null }>;
  readonly #lastOfUser: Query<{ position: number | null }>;
  readonly #oldest: Query<{ recorded_at: number }>;
  readonly #nextDue: Query<{ due_at: number | null }>;

  constructor(sql: Sql) {
    this.#sql = sql;
    this.#insert = query(
      sql,
      'INSERT INTO events (event_id, event_type, created_at, created_by, source) VALUES (?, ?, ?, ?, ?) RETURNING id',
    );
    this.#deliver = sql.prepare('INSERT INTO deliveries (user_id, event, recorded_at) VALUES (?, ?, ?)');
    this.#page = query(
      sql,
      `SELECT deliveries.position, deliveries.recorded_at, events.* FROM deliveries JOIN events ON events.id = deliveries.event
       WHERE deliveries.user_id = ? AND deliveries.position > ? ORDER BY deliveries.position LIMIT ?`,
    );
    this.#last = query(sql, "SELECT seq AS position FROM sqlite_sequence WHERE name = 'deliveries'");
    this.#lastOfUser = query(sql, 'SELECT max(position) AS position FROM deliveries WHERE user_id = ?');
    this.#oldest = query(sql, 'SELECT recorded_at FROM deliveries ORDER BY position LIMIT 1');
    this.#nextDue = query(sql, 'SELECT min(due_at) AS due_at FROM pending_deliveries');
  }

  insert(event: Omit<EventRow, 'id'>): number {
    return (
      this.#insert.get(event.event_id, event.event_type, event.created_at, event.created_by, event.source)
        ?.id ?? 0
    );
  }

  deliver(userId: number, event: number, now: number): void {
    this.#deliver.run(userId, event, now);
  }

  /** Deliver later; events due together come out in the order of `shuffle`. */
  postpone(pending: { userId: number; event: number; dueAt: number; shuffle: number }): void {
    this.#sql
      .prepare('INSERT INTO pending_deliveries (due_at, shuffle, user_id, event) VALUES (?, ?, ?, ?)')
      .run(Math.ceil(pending.dueAt), pending.shuffle, pending.userId, pending.event);
  }

  /** When the next postponed delivery is due, if there is one. */
  nextDue(): number | undefined {
    return this.#nextDue.get()?.due_at ?? undefined;
  }

  /** Deliver what is due. Returns the users whose streams grew. */
  publishDue(now: number): ReadonlySet<number> {
    const users = new Set<number>();
    const due = query<PendingRow>(
      this.#sql,
      'SELECT id, user_id, event FROM pending_deliveries WHERE due_at <= ? ORDER BY shuffle, id',
    ).all(now);
    for (const row of due) {
      this.deliver(row.user_id, row.event, now);
      this.#sql.prepare('DELETE FROM pending_deliveries WHERE id = ?').run(row.id);
      users.add(row.user_id);
    }
    return users;
  }

  /** What a user's stream holds after a position. */
  page(userId: number, after: number, limit: number): readonly DeliveryRow[] {
    return this.#page.all(userId, after, limit);
  }

  /** The newest position of all streams. */
  lastPosition(): number {
    return this.#last.get()?.position ?? 0;
  }

  lastPositionOf(userId: number): number {
    return this.#lastOfUser.get(userId)?.position ?? 0;
  }

  /** Forget events older than the retention; remember up to which position something was forgotten. */
  forgetBefore(time: number): number {
    // Positions grow with time, so the oldest delivery tells whether there is anything to look for.
    const oldest = this.#oldest.get()?.recorded_at ?? Number.POSITIVE_INFINITY;
    if (oldest >= time) return 0;
    const gone =
      query<{ position: number | null }>(
        this.#sql,
        'SELECT max(position) AS position FROM deliveries WHERE recorded_at < ?',
      ).get(time)?.position ?? 0;
    if (gone > 0) {
      this.#sql.prepare('DELETE FROM deliveries WHERE position <= ?').run(gone);
      this.#sql
        .prepare(
          `DELETE FROM events WHERE created_at < ? AND id NOT IN (SELECT event FROM deliveries)
           AND id NOT IN (SELECT event FROM pending_deliveries)`,
        )
        .run(time);
    }
    return gone;
  }
}
