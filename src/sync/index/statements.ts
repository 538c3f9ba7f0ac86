import type { Database, Statement } from 'better-sqlite3';
import type { ApiUsage, JournalEntry, LoggedOp, Pin, StoredConflict } from './records.ts';

/** Every statement of the index, prepared once. */
export interface Statements {
  readonly allRemote: Statement<[], unknown>;
  readonly allLocal: Statement<[], unknown>;
  readonly allSynced: Statement<[], unknown>;
  readonly remoteChildren: Statement<[string], unknown>;
  readonly remoteOne: Statement<[string], unknown>;
  readonly syncedOne: Statement<[string], unknown>;
  readonly syncedCount: Statement<[], { count: number }>;
  readonly localOne: Statement<[number], unknown>;
  readonly putRemote: Statement<[object]>;
  readonly putLocal: Statement<[object]>;
  readonly putSynced: Statement<[object]>;
  readonly removeRemote: Statement<[string]>;
  readonly removeLocal: Statement<[number]>;
  readonly removeSynced: Statement<[string]>;
  readonly getMeta: Statement<[string], { value: string }>;
  readonly setMeta: Statement<[string, string]>;
  readonly journalStart: Statement<[string, string, string, string | null, number, string | null]>;
  readonly journalResumption: Statement<[string | null, string]>;
  readonly journalGet: Statement<[string], JournalEntry>;
  readonly journalAll: Statement<[], JournalEntry>;
  readonly journalEnd: Statement<[string]>;
  readonly logOp: Statement<[number, string, string, number | null, number, string]>;
  readonly trimLog: Statement<[number]>;
  readonly loggedOps: Statement<[number], LoggedOp>;
  readonly addConflict: Statement<[number, string, string, string, string | null]>;
  readonly conflicts: Statement<[], StoredConflict>;
  readonly countCalls: Statement<[number, string, string, number]>;
  readonly apiUsage: Statement<[number], ApiUsage>;
  readonly pins: Statement<[], { path: string; pin: Pin }>;
  readonly putPin: Statement<[string, Pin]>;
  readonly removePin: Statement<[string]>;
}

function upsert(table: string, columns: readonly string[]): string {
  const values = columns.map((column) => `@${column}`).join(', ');
  return `INSERT OR REPLACE INTO ${table} (${columns.join(', ')}) VALUES (${values})`;
}

const CONTENT = ['sha1', 'size_bytes', 'modified_at_ms'];
const REMOTE = [
  'id',
  'parent_id',
  'name',
  'kind',
  'etag',
  ...CONTENT,
  'version_id',
  'created_by_id',
  'created_by_name',
  'modified_by_id',
  'modified_by_name',
  'received_at_ms',
];
const LOCAL = ['id', 'parent_id', 'name', 'kind', 'inode', ...CONTENT, 'changed_at_ms'];
const SYNCED = ['remote_id', 'local_id', 'parent_id', 'name', 'kind', ...CONTENT];

/** Prepare all statements on an open, migrated index. */
export function prepareStatements(database: Database): Statements {
  return {
    allRemote: database.prepare('SELECT * FROM remote_tree'),
    allLocal: database.prepare('SELECT * FROM local_tree'),
    allSynced: database.prepare('SELECT * FROM synced_tree'),
    remoteChildren: database.prepare('SELECT * FROM remote_tree WHERE parent_id = ?'),
    remoteOne: database.prepare('SELECT * FROM remote_tree WHERE id = ?'),
    syncedOne: database.prepare('SELECT * FROM synced_tree WHERE remote_id = ?'),
    syncedCount: database.prepare('SELECT COUNT(*) AS count FROM synced_tree'),
    localOne: database.prepare('SELECT * FROM local_tree WHERE id = ?'),
    putRemote: database.prepare(upsert('remote_tree', REMOTE)),
    putLocal: database.prepare(upsert('local_tree', LOCAL)),
    putSynced: database.prepare(upsert('synced_tree', SYNCED)),
    removeRemote: database.prepare('DELETE FROM remote_tree WHERE id = ?'),
    removeLocal: database.prepare('DELETE FROM local_tree WHERE id = ?'),
    removeSynced: database.prepare('DELETE FROM synced_tree WHERE remote_id = ?'),
    getMeta: database.prepare('SELECT value FROM meta WHERE key = ?'),
    setMeta: database.prepare('INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)'),
    journalStart: database.prepare(
      `INSERT INTO journal (key, op, path, sha1, started_at_ms, resumption) VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT (key) DO UPDATE SET op = excluded.op, path = excluded.path, sha1 = excluded.sha1, started_at_ms = excluded.started_at_ms,
         resumption = CASE WHEN journal.sha1 IS excluded.sha1 THEN journal.resumption ELSE excluded.resumption END`,
    ),
    journalResumption: database.prepare('UPDATE journal SET resumption = ? WHERE key = ?'),
    journalGet: database.prepare(
      'SELECT key, op, path, sha1, started_at_ms AS startedAtMs, resumption FROM journal WHERE key = ?',
    ),
    journalAll: database.prepare(
      'SELECT key, op, path, sha1, started_at_ms AS startedAtMs, resumption FROM journal',
    ),
    journalEnd: database.prepare('DELETE FROM journal WHERE key = ?'),
    logOp: database.prepare(
      'INSERT INTO op_log (at_ms, op, path, size_bytes, duration_ms, outcome) VALUES (?, ?, ?, ?, ?, ?)',
    ),
    trimLog: database.prepare('DELETE FROM op_log WHERE id < ?'),
    loggedOps: database.prepare(
      `SELECT at_ms AS atMs, op, path, size_bytes AS sizeBytes, duration_ms AS durationMs, outcome
       FROM op_log ORDER BY id DESC LIMIT ?`,
    ),
    addConflict: database.prepare(
      'INSERT INTO conflicts (at_ms, path, reason, kept_as, sha1) VALUES (?, ?, ?, ?, ?)',
    ),
    conflicts: database.prepare(
      'SELECT at_ms AS atMs, path, reason, kept_as AS keptAs, sha1 FROM conflicts ORDER BY id',
    ),
    countCalls: database.prepare(
      `INSERT INTO api_calls (hour, user, endpoint, calls) VALUES (?, ?, ?, ?)
       ON CONFLICT (hour, user, endpoint) DO UPDATE SET calls = calls + excluded.calls`,
    ),
    apiUsage: database.prepare(
      'SELECT hour, user, endpoint, calls FROM api_calls WHERE hour >= ? ORDER BY hour, user, endpoint',
    ),
    pins: database.prepare('SELECT path, pin FROM pins'),
    putPin: database.prepare('INSERT OR REPLACE INTO pins (path, pin) VALUES (?, ?)'),
    removePin: database.prepare('DELETE FROM pins WHERE path = ?'),
  };
}
