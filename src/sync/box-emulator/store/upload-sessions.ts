import type { Sql } from './database.ts';
import { query } from './rows-of.ts';

/** A chunked upload under way. `item_id` is set when it becomes a version of an existing file. */
export interface UploadSessionRow {
  readonly id: string;
  readonly user_id: number;
  readonly item_id: number | null;
  readonly parent_id: number;
  readonly name: string;
  readonly size: number;
  readonly part_size: number;
  /** The file into which every part is written at its place. */
  readonly blob_id: string;
  readonly created_at: number;
  readonly expires_at: number;
  /** How many commits were answered with 202 so far. */
  readonly commits: number;
  /** 1 when its parts have become a file: it is kept only to be recognised. */
  readonly committed: 0 | 1;
}

export interface UploadPartRow {
  readonly session_id: string;
  readonly part_id: string;
  readonly offset: number;
  readonly size: number;
  readonly sha1: string;
  readonly received_at: number;
}

/** Chunked uploads and their parts. */
export class UploadSessions {
  readonly #sql: Sql;

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  get(id: string): UploadSessionRow | undefined {
    return query<UploadSessionRow>(this.#sql, 'SELECT * FROM upload_sessions WHERE id = ?').get(id);
  }

  insert(row: UploadSessionRow): void {
    this.#sql
      .prepare(
        `INSERT INTO upload_sessions (id, user_id, item_id, parent_id, name, size, part_size, blob_id, created_at,
         expires_at, commits, committed) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      )
      .run(
        row.id,
        row.user_id,
        row.item_id,
        row.parent_id,
        row.name,
        row.size,
        row.part_size,
        row.blob_id,
        row.created_at,
        row.expires_at,
        row.commits,
        row.committed,
      );
  }

  countCommit(id: string): void {
    this.#sql.prepare('UPDATE upload_sessions SET commits = commits + 1 WHERE id = ?').run(id);
  }

  /** The content belongs to a file from now on. */
  finish(id: string): void {
    this.#sql.prepare('DELETE FROM upload_parts WHERE session_id = ?').run(id);
    this.#sql.prepare('UPDATE upload_sessions SET committed = 1 WHERE id = ?').run(id);
  }

  remove(id: string): void {
    this.#sql.prepare('DELETE FROM upload_parts WHERE session_id = ?').run(id);
    this.#sql.prepare('DELETE FROM upload_sessions WHERE id = ?').run(id);
  }

  expiredBefore(time: number): readonly UploadSessionRow[] {
    return query<UploadSessionRow>(this.#sql, 'SELECT * FROM upload_sessions WHERE expires_at < ?').all(time);
  }

  /** All parts by offset. */
  parts(sessionId: string): readonly UploadPartRow[] {
    return query<UploadPartRow>(
      this.#sql,
      'SELECT * FROM upload_parts WHERE session_id = ? ORDER BY offset',
    ).all(sessionId);
  }

  addPart(part: UploadPartRow): void {
    this.#sql
      .prepare(
        'INSERT INTO upload_parts (session_id, part_id, offset, size, sha1, received_at) VALUES (?, ?, ?, ?, ?, ?)',
      )
      .run(part.session_id, part.part_id, part.offset, part.size, part.sha1, part.received_at);
  }

  overlapping(sessionId: string, start: number, end: number): UploadPartRow | undefined {
    return query<UploadPartRow>(
      this.#sql,
      'SELECT * FROM upload_parts WHERE session_id = ? AND offset <= ? AND offset + size > ? LIMIT 1',
    ).get(sessionId, end, start);
  }
}
