import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { Sql } from './database.ts';
import { type Query, query } from './rows-of.ts';

/** Content up to this size lives in the database: a file of its own would cost more than its bytes. */
export const INLINE_MAX_BYTES = 32 * 1024;

interface BlobRow {
  readonly id: string;
  readonly size: number;
  readonly bytes: Buffer | null;
}

/** Stored content, either in the database or in a file of its own. */
export class Blobs {
  readonly #sql: Sql;
  readonly #folder: string;
  readonly #byId: Query<BlobRow>;
  readonly #insert;

  private constructor(sql: Sql, folder: string) {
    this.#sql = sql;
    this.#folder = folder;
    this.#byId = query(sql, 'SELECT * FROM blobs WHERE id = ?');
    this.#insert = sql.prepare('INSERT INTO blobs (id, size, bytes) VALUES (?, ?, ?)');
  }

  /** Open the store below `folder`; files that no row knows are what a killed process left, and are removed. */
  static async open(sql: Sql, folder: string): Promise<Blobs> {
    await mkdir(folder, { recursive: true });
    const blobs = new Blobs(sql, folder);
    for (const name of await readdir(folder))
      if (blobs.#byId.get(name) === undefined) await rm(join(folder, name), { force: true });
    return blobs;
  }

  /** Where a transfer in progress may write; adopted by `addFile`, removed at the next start otherwise. */
  temporaryPath(): string {
    return join(this.#folder, `${randomUUID()}.part`);
  }

  /** Keep small content. To be called within the transaction that refers to it. */
  addInline(bytes: Uint8Array): string {
    const id = randomUUID();
    this.#insert.run(id, bytes.byteLength, bytes);
    return id;
  }

  /** Give a finished temporary file its final name; no row refers to it yet. */
  async adopt(temporaryPath: string): Promise<string> {
    const id = randomUUID();
    await rename(temporaryPath, join(this.#folder, id));
    return id;
  }

  /** Record an adopted file. To be called within the transaction that refers to it. */
  record(id: string, size: number): void {
    this.#insert.run(id, size, null);
  }

  /** Make room for content that arrives in pieces, in any order. */
  async reserve(size: number): Promise<string> {
    const id = randomUUID();
    const file = await open(this.pathOf(id), 'wx');
    await file.close();
    this.record(id, size);
    return id;
  }

  /** Where an adopted file stands. */
  pathOf(id: string): string {
    return join(this.#folder, id);
  }

  sizeOf(id: string): number {
    return this.#byId.get(id)?.size ?? 0;
  }

  /** Read bytes `start` to `end`, both included. Small content comes as one buffer. */
  read(id: string, start: number, end: number): Buffer | Readable {
    const row = this.#byId.get(id);
    if (row === undefined || row.size === 0 || end < start) return Buffer.alloc(0);
    if (row.bytes !== null) return row.bytes.subarray(start, end + 1);
    return createReadStream(this.pathOf(id), { start, end, highWaterMark: 256 * 1024 });
  }

  /** Read as a stream, whatever the size. */
  stream(id: string, start: number, end: number): Readable {
    const content = this.read(id, start, end);
    return content instanceof Readable ? content : Readable.from([content]);
  }

  /** Forget content; returns the file to delete after the transaction, if it has one. */
  remove(id: string): string | undefined {
    const row = this.#byId.get(id);
    this.#sql.prepare('DELETE FROM blobs WHERE id = ?').run(id);
    return row !== undefined && row.bytes === null ? this.pathOf(id) : undefined;
  }
}
