import Database from 'better-sqlite3';
import { CorruptError, errnoOf, FullError, reasonOf, StateError } from '../../errors.ts';
import type { LocalId, RemoteId } from '../../ids.ts';
import { databaseNotBuilt } from '../../native-database.ts';
import type { LocalEntry, RemoteEntry, SyncedEntry } from '../tree/entry.ts';
import { SyncedTree } from '../tree/synced-tree.ts';
import { Tree } from '../tree/tree.ts';
import { Interner } from './interner.ts';
import { migrate, requirePresentSchema } from './migrations.ts';
import type { ApiUsage, JournalEntry, LoggedOp, Pin, StoredConflict } from './records.ts';
import {
  type LocalRow,
  localFromRow,
  localToRow,
  type RemoteRow,
  remoteFromRow,
  remoteToRow,
  type SyncedRow,
  syncedFromRow,
  syncedToRow,
} from './rows.ts';
import { prepareStatements, type Statements } from './statements.ts';

/** The three trees as the index held them. */
export interface Trees {
  readonly remote: Tree<RemoteId, RemoteEntry>;
  readonly local: Tree<LocalId, LocalEntry>;
  readonly synced: SyncedTree;
}

/** Older lines of the log of operations are dropped beyond this count. */
const OP_LOG_MAX = 100_000;

/**
 * The SQLite version index: the three trees, the stream position, the journal and the ledger.
 *
 * Guarantees: what `transaction` encloses is stored whole or not at all, also over a kill or a power cut; the index is
 * a cache of observations plus the synced tree: losing it costs hashing, never a file.
 * Errors: CorruptError 'index-damaged' | 'newer-schema' on opening; StateError 'database-not-built'.
 */
export class VersionIndex {
  readonly #database: Database.Database;
  readonly #sql: Statements;

  private constructor(database: Database.Database) {
    this.#database = database;
    this.#sql = prepareStatements(database);
  }

  /** Open or create the index file; or go on, in memory, with the image of one. */
  static open(path: string | Buffer): VersionIndex {
    try {
      const database = new Database(path);
      database.pragma('journal_mode = WAL');
      database.pragma('synchronous = NORMAL');
      // The trees are in memory; SQLite's own copy of their pages (16 MB by default) would be a second one.
      database.pragma('cache_size = -4096');
      database.pragma('busy_timeout = 5000');
      migrate(database);
      return new VersionIndex(database);
    } catch (error) {
      if (error instanceof CorruptError) throw error;
      throw databaseNotBuilt(error) ?? damaged(typeof path === 'string' ? path : 'image', error);
    }
  }

  /** Open an existing index to look at it while its owner goes on writing. */
  static openReadonly(path: string): VersionIndex {
    try {
      const database = new Database(path, { readonly: true, fileMustExist: true });
      database.pragma('busy_timeout = 5000');
      requirePresentSchema(database);
      return new VersionIndex(database);
    } catch (error) {
      throw error instanceof StateError ? error : (databaseNotBuilt(error) ?? damaged(path, error));
    }
  }

  /** Read the three trees. */
  loadTrees(): Trees {
    const remote = new Tree<RemoteId, RemoteEntry>();
    const local = new Tree<LocalId, LocalEntry>();
    const synced = new SyncedTree();
    const interner = new Interner();
    for (const row of this.#sql.allRemote.iterate()) remote.put(remoteFromRow(row as RemoteRow, interner));
    for (const row of this.#sql.allLocal.iterate()) local.put(localFromRow(row as LocalRow, interner));
    for (const row of this.#sql.allSynced.iterate()) synced.put(syncedFromRow(row as SyncedRow, interner));
    return { remote, local, synced };
  }

  /** The remote entries directly below a folder. */
  remoteChildren(id: RemoteId): readonly RemoteEntry[] {
    const interner = new Interner();
    return this.#sql.remoteChildren.all(id).map((row) => remoteFromRow(row as RemoteRow, interner));
  }

  /** One remote entry. */
  remote(id: RemoteId): RemoteEntry | undefined {
    const row = this.#sql.remoteOne.get(id);
    return row === undefined ? undefined : remoteFromRow(row as RemoteRow, new Interner());
  }

  /** The pairing of a remote entry. */
  synced(id: RemoteId): SyncedEntry | undefined {
    const row = this.#sql.syncedOne.get(id);
    return row === undefined ? undefined : syncedFromRow(row as SyncedRow, new Interner());
  }

  /** How many entries are paired, the root included; without loading them. */
  syncedCount(): number {
    return this.#sql.syncedCount.get()?.count ?? 0;
  }

  /** One local entry. */
  local(id: LocalId): LocalEntry | undefined {
    const row = this.#sql.localOne.get(id);
    return row === undefined ? undefined : localFromRow(row as LocalRow, new Interner());
  }

  /** A copy of the whole index as of the last transaction. */
  image(): Buffer {
    return this.#database.serialize();
  }

  /** A number that differs after another process changed the index. */
  dataVersion(): number {
    return Number(this.#database.pragma('data_version', { simple: true }));
  }

  /** Store all of it or nothing. Errors: FullError 'index-full' when the disk has no room for it. */
  transaction<Result>(work: () => Result): Result {
    try {
      return this.#database.transaction(work)();
    } catch (error) {
      throw errnoOf(error) === 'SQLITE_FULL' ? noRoom(error) : error;
    }
  }

  putRemote(entry: RemoteEntry): void {
    this.#sql.putRemote.run(remoteToRow(entry));
  }

  removeRemote(id: RemoteId): void {
    this.#sql.removeRemote.run(id);
  }

  putLocal(entry: LocalEntry): void {
    this.#sql.putLocal.run(localToRow(entry));
  }

  removeLocal(id: LocalId): void {
    this.#sql.removeLocal.run(id);
  }

  putSynced(entry: SyncedEntry): void {
    this.#sql.putSynced.run(syncedToRow(entry));
  }

  removeSynced(id: RemoteId): void {
    this.#sql.removeSynced.run(id);
  }

  /** One remembered fact, such as the stream position. */
  meta(key: string): string | undefined {
    const row = this.#sql.getMeta.get(key);
    return row?.value;
  }

  setMeta(key: string, value: string): void {
    this.transaction(() => this.#sql.setMeta.run(key, value));
  }

  journalStart(entry: JournalEntry): void {
    this.#sql.journalStart.run(
      entry.key,
      entry.op,
      entry.path,
      entry.sha1,
      entry.startedAtMs,
      entry.resumption,
    );
  }

  journalResumption(key: string, resumption: string | null): void {
    this.#sql.journalResumption.run(resumption, key);
  }

  journalGet(key: string): JournalEntry | undefined {
    return this.#sql.journalGet.get(key);
  }

  /** Every op that was started and is not known to have ended. */
  journalEntries(): readonly JournalEntry[] {
    return this.#sql.journalAll.all();
  }

  journalEnd(key: string): void {
    this.#sql.journalEnd.run(key);
  }

  logOp(entry: LoggedOp): void {
    const { lastInsertRowid } = this.#sql.logOp.run(
      entry.atMs,
      entry.op,
      entry.path,
      entry.sizeBytes,
      Math.round(entry.durationMs),
      entry.outcome,
    );
    if (Number(lastInsertRowid) % 1000 === 0) this.#sql.trimLog.run(Number(lastInsertRowid) - OP_LOG_MAX);
  }

  /** The newest logged ops first. */
  loggedOps(limit: number): readonly LoggedOp[] {
    return this.#sql.loggedOps.all(limit);
  }

  addConflict(conflict: StoredConflict): void {
    this.#sql.addConflict.run(conflict.atMs, conflict.path, conflict.reason, conflict.keptAs, conflict.sha1);
  }

  conflicts(): readonly StoredConflict[] {
    return this.#sql.conflicts.all();
  }

  /** Add calls to the ledger. */
  countCalls({ hour, user, endpoint, calls }: ApiUsage): void {
    this.#sql.countCalls.run(hour, user, endpoint, calls);
  }

  apiUsage(sinceHour: number): readonly ApiUsage[] {
    return this.#sql.apiUsage.all(sinceHour);
  }

  /** What people asked for, by path. */
  pins(): ReadonlyMap<string, Pin> {
    return new Map(this.#sql.pins.all().map(({ path, pin }) => [path, pin]));
  }

  /** Store a path's pin; null: none. */
  setPin(path: string, pin: Pin | null): void {
    if (pin === null) this.#sql.removePin.run(path);
    else this.#sql.putPin.run(path, pin);
  }

  /** What SQLite itself finds wrong with the file; empty: nothing. */
  integrityFaults(): readonly string[] {
    const rows = this.#database.pragma('integrity_check') as { integrity_check: string }[];
    return rows.map((row) => row.integrity_check).filter((line) => line !== 'ok');
  }

  /** Close the file; idempotent. */
  close(): void {
    this.#database.close();
  }
}

function noRoom(cause: unknown): FullError {
  return new FullError({
    code: 'index-full',
    message: 'the disk has no room for the index',
    hint: 'Make room on the disk of the mount directory; the mount goes on by itself.',
    cause,
  });
}

function damaged(path: string, error: unknown): CorruptError {
  return new CorruptError({
    code: 'index-damaged',
    message: `the index ${path} can't be opened: ${reasonOf(error)}`,
    hint: 'Move the file away: it is rebuilt from Box and the disk, and no file is lost.',
    data: { path },
    cause: error,
  });
}
