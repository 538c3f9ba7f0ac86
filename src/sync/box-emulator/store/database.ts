import Database from 'better-sqlite3';
import { CorruptError } from '../../../errors.ts';
import { databaseNotBuilt } from '../../../native-database.ts';
import { type Random, randomBelow } from '../../../random.ts';

/** The emulator's connection to its metadata. */
export type Sql = Database.Database;

const SCHEMA_VERSION = 2;

/**
 * Where each kind of id may start, from and up to, so that ids look like Box's and are not mistaken for each other. Box
 * gives no id twice, and no position of the event stream: two enterprises must not begin at the same place.
 */
const FIRST_IDS: Readonly<Record<string, readonly [number, number]>> = {
  users: [22_100_000_000, 29_000_000_000],
  groups: [7_100_000, 9_000_000],
  memberships: [1_560_000_000, 1_900_000_000],
  collaborations: [55_100_000_000, 59_000_000_000],
  items: [231_000_000_000, 290_000_000_000],
  versions: [1_512_000_000_000, 1_900_000_000_000],
  deliveries: [1_000_000_000_000, 9_000_000_000_000],
};

const SCHEMA = `
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE users (
  id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, role TEXT NOT NULL, name TEXT NOT NULL, login TEXT NOT NULL UNIQUE,
  status TEXT NOT NULL, created_at INTEGER NOT NULL, modified_at INTEGER NOT NULL,
  space_amount INTEGER NOT NULL, space_used INTEGER NOT NULL, external_app_user_id TEXT, details TEXT NOT NULL
) STRICT;
CREATE TABLE groups (
  id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, name_key TEXT NOT NULL UNIQUE, by_app INTEGER NOT NULL,
  created_at INTEGER NOT NULL, modified_at INTEGER NOT NULL, details TEXT NOT NULL
) STRICT;
CREATE TABLE memberships (
  id INTEGER PRIMARY KEY AUTOINCREMENT, user_id INTEGER NOT NULL, group_id INTEGER NOT NULL, role TEXT NOT NULL,
  created_at INTEGER NOT NULL, modified_at INTEGER NOT NULL, UNIQUE (group_id, user_id)
) STRICT;
CREATE INDEX memberships_user ON memberships (user_id);
CREATE TABLE collaborations (
  id INTEGER PRIMARY KEY AUTOINCREMENT, item_id INTEGER NOT NULL, user_id INTEGER, group_id INTEGER, role TEXT NOT NULL,
  status TEXT NOT NULL, created_by INTEGER, created_at INTEGER NOT NULL, modified_at INTEGER NOT NULL,
  expires_at INTEGER, can_view_path INTEGER NOT NULL
) STRICT;
CREATE INDEX collaborations_item ON collaborations (item_id);
CREATE TABLE items (
  id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, rank INTEGER NOT NULL, parent_id INTEGER NOT NULL,
  owner_id INTEGER NOT NULL, name TEXT NOT NULL, name_key TEXT NOT NULL, etag INTEGER NOT NULL, status TEXT NOT NULL,
  created_at INTEGER NOT NULL, modified_at INTEGER NOT NULL,
  content_created_at INTEGER NOT NULL, content_modified_at INTEGER NOT NULL,
  created_by INTEGER NOT NULL, modified_by INTEGER NOT NULL, trashed_at INTEGER, description TEXT NOT NULL,
  size INTEGER NOT NULL, version_id INTEGER, sha1 TEXT, version_number INTEGER NOT NULL,
  lock TEXT, tags TEXT NOT NULL, url TEXT
) STRICT;
CREATE INDEX items_place ON items (parent_id, owner_id, status, rank, name_key, id);
CREATE INDEX items_name ON items (parent_id, owner_id, name_key);
CREATE INDEX items_trash ON items (owner_id, trashed_at) WHERE status = 'trashed';
CREATE TABLE blobs (id TEXT PRIMARY KEY, size INTEGER NOT NULL, bytes BLOB) STRICT;
CREATE TABLE versions (
  id INTEGER PRIMARY KEY AUTOINCREMENT, item_id INTEGER NOT NULL, blob_id TEXT NOT NULL, sha1 TEXT NOT NULL,
  size INTEGER NOT NULL, name TEXT NOT NULL, number INTEGER NOT NULL, created_at INTEGER NOT NULL,
  modified_at INTEGER NOT NULL, modified_by INTEGER NOT NULL, trashed_at INTEGER, trashed_by INTEGER,
  restored_at INTEGER, restored_by INTEGER
) STRICT;
CREATE INDEX versions_item ON versions (item_id, id);
CREATE INDEX versions_blob ON versions (blob_id);
CREATE TABLE events (
  id INTEGER PRIMARY KEY AUTOINCREMENT, event_id TEXT NOT NULL, event_type TEXT NOT NULL, created_at INTEGER NOT NULL,
  created_by INTEGER NOT NULL, source TEXT NOT NULL
) STRICT;
CREATE TABLE deliveries (
  position INTEGER PRIMARY KEY AUTOINCREMENT, user_id INTEGER NOT NULL, event INTEGER NOT NULL, recorded_at INTEGER NOT NULL
) STRICT;
CREATE INDEX deliveries_user ON deliveries (user_id, position);
CREATE TABLE pending_deliveries (
  id INTEGER PRIMARY KEY, due_at INTEGER NOT NULL, shuffle REAL NOT NULL, user_id INTEGER NOT NULL, event INTEGER NOT NULL
) STRICT;
CREATE INDEX pending_due ON pending_deliveries (due_at);
CREATE TABLE tokens (
  token TEXT PRIMARY KEY, user_id INTEGER NOT NULL, expires_at INTEGER NOT NULL, authority TEXT NOT NULL
) STRICT;
CREATE TABLE used_assertions (jti TEXT PRIMARY KEY, expires_at INTEGER NOT NULL) STRICT;
CREATE TABLE upload_sessions (
  id TEXT PRIMARY KEY, user_id INTEGER NOT NULL, item_id INTEGER, parent_id INTEGER NOT NULL, name TEXT NOT NULL,
  size INTEGER NOT NULL, part_size INTEGER NOT NULL, blob_id TEXT NOT NULL, created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL, commits INTEGER NOT NULL, committed INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE upload_parts (
  session_id TEXT NOT NULL, part_id TEXT NOT NULL, offset INTEGER NOT NULL, size INTEGER NOT NULL, sha1 TEXT NOT NULL,
  received_at INTEGER NOT NULL, PRIMARY KEY (session_id, offset)
) STRICT;
`;

/** What leads from each older version to the next. */
const MIGRATIONS: Readonly<Record<number, string>> = {
  1: `
ALTER TABLE versions ADD COLUMN restored_at INTEGER;
ALTER TABLE versions ADD COLUMN restored_by INTEGER;
ALTER TABLE upload_sessions ADD COLUMN committed INTEGER NOT NULL DEFAULT 0;
`,
};

function opened(path: string): Sql {
  try {
    return new Database(path);
  } catch (error) {
    throw databaseNotBuilt(error) ?? error;
  }
}

/**
 * Open the metadata in `path`, creating it when new, with ids that begin where `random` says.
 *
 * Guarantees: a process killed at any moment leaves a file that opens again, holding every answered write. Data of an
 * older version is brought up to this one.
 * `durable: false` is for stores that are deleted on close anyway.
 * Errors: StateError 'database-not-built'; CorruptError 'emulator-data-version'.
 */
export function openDatabase(path: string, durable: boolean, random: Random): Sql {
  const sql = opened(path);
  sql.pragma('journal_mode = WAL');
  sql.pragma(`synchronous = ${durable ? 'NORMAL' : 'OFF'}`);
  sql.pragma('cache_size = -16384');
  sql.pragma('temp_store = MEMORY');
  sql.pragma('wal_autocheckpoint = 4000');
  const version = Number(sql.pragma('user_version', { simple: true }));
  if (version === 0) createSchema(sql, random);
  else if (!migrated(sql, version)) {
    sql.close();
    throw new CorruptError({
      code: 'emulator-data-version',
      message: `the emulator's data in ${path} has version ${String(version)}, this program knows ${SCHEMA_VERSION}`,
      hint: 'start with another --data folder',
    });
  }
  return sql;
}

/** Returns whether the data has this program's version now. */
function migrated(sql: Sql, from: number): boolean {
  return sql.transaction(() => {
    let version = from;
    for (let step = MIGRATIONS[version]; step !== undefined; step = MIGRATIONS[version]) {
      sql.exec(step);
      version += 1;
    }
    if (version !== from) sql.pragma(`user_version = ${version}`);
    return version === SCHEMA_VERSION;
  })();
}

function createSchema(sql: Sql, random: Random): void {
  sql.transaction(() => {
    sql.exec(SCHEMA);
    const seed = sql.prepare('INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)');
    for (const [table, [from, to]] of Object.entries(FIRST_IDS))
      seed.run(table, from + randomBelow(random, to - from));
    sql.pragma(`user_version = ${SCHEMA_VERSION}`);
  })();
}
