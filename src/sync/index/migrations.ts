import type { Database } from 'better-sqlite3';
import { CorruptError, StateError } from '../../errors.ts';

/**
 * Forward migrations; `user_version` counts those applied.
 *
 * The three trees have one shape: id, parent, name, kind, and for files the content. Never edit one that was
 * released; add another.
 */
const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;

  CREATE TABLE remote_tree (
    id TEXT PRIMARY KEY,
    parent_id TEXT,
    name TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('file', 'folder')),
    etag TEXT NOT NULL,
    sha1 TEXT,
    size_bytes INTEGER,
    modified_at_ms INTEGER,
    version_id TEXT,
    created_by_id TEXT, created_by_name TEXT,
    modified_by_id TEXT, modified_by_name TEXT,
    received_at_ms INTEGER
  ) STRICT;
  CREATE INDEX remote_children ON remote_tree (parent_id);

  CREATE TABLE local_tree (
    id INTEGER PRIMARY KEY,
    parent_id INTEGER,
    name TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('file', 'folder')),
    inode TEXT NOT NULL,
    sha1 TEXT,
    size_bytes INTEGER,
    modified_at_ms REAL,
    changed_at_ms REAL
  ) STRICT;

  CREATE TABLE synced_tree (
    remote_id TEXT PRIMARY KEY,
    local_id INTEGER,
    parent_id TEXT,
    name TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('file', 'folder')),
    sha1 TEXT,
    size_bytes INTEGER,
    modified_at_ms REAL
  ) STRICT;

  CREATE TABLE journal (
    key TEXT PRIMARY KEY,
    op TEXT NOT NULL,
    path TEXT NOT NULL,
    sha1 TEXT,
    started_at_ms INTEGER NOT NULL,
    resumption TEXT
  ) STRICT;

  CREATE TABLE op_log (
    id INTEGER PRIMARY KEY,
    at_ms INTEGER NOT NULL,
    op TEXT NOT NULL,
    path TEXT NOT NULL,
    size_bytes INTEGER,
    duration_ms INTEGER NOT NULL,
    outcome TEXT NOT NULL
  ) STRICT;

  CREATE TABLE conflicts (
    id INTEGER PRIMARY KEY,
    at_ms INTEGER NOT NULL,
    path TEXT NOT NULL,
    reason TEXT NOT NULL,
    kept_as TEXT NOT NULL,
    sha1 TEXT
  ) STRICT;

  CREATE TABLE api_calls (
    hour INTEGER NOT NULL,
    endpoint TEXT NOT NULL,
    calls INTEGER NOT NULL,
    PRIMARY KEY (hour, endpoint)
  ) STRICT, WITHOUT ROWID;
  `,
  `
  CREATE TABLE api_calls_of_users (
    hour INTEGER NOT NULL,
    user TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    calls INTEGER NOT NULL,
    PRIMARY KEY (hour, user, endpoint)
  ) STRICT, WITHOUT ROWID;
  INSERT INTO api_calls_of_users SELECT hour, '', endpoint, calls FROM api_calls;
  DROP TABLE api_calls;
  ALTER TABLE api_calls_of_users RENAME TO api_calls;
  `,
  `
  CREATE TABLE pins (
    path TEXT PRIMARY KEY,
    pin TEXT NOT NULL CHECK (pin IN ('keep', 'online-only'))
  ) STRICT, WITHOUT ROWID;
  `,
];

/** The schema that this program writes. */
export const SCHEMA_VERSION = MIGRATIONS.length;

/**
 * Bring an index to this program's schema.
 *
 * Guarantees: each step is one transaction. Errors: CorruptError 'newer-schema' when a newer program wrote it.
 */
export function migrate(database: Database): void {
  const version = Number(database.pragma('user_version', { simple: true }));
  if (version > SCHEMA_VERSION) {
    throw new CorruptError({
      code: 'newer-schema',
      message: `the index was written by a newer mila-sync (schema ${version}, this one knows ${SCHEMA_VERSION})`,
      hint: 'Update mila-sync on this machine.',
      data: { version, known: SCHEMA_VERSION },
    });
  }
  for (let step = version; step < SCHEMA_VERSION; step += 1) {
    database.transaction(() => {
      database.exec(MIGRATIONS[step] ?? '');
      database.pragma(`user_version = ${step + 1}`);
    })();
  }
}

/** Errors: StateError 'older-schema' when the index was last written by an older program and is only looked at. */
export function requirePresentSchema(database: Database): void {
  const version = Number(database.pragma('user_version', { simple: true }));
  if (version >= SCHEMA_VERSION) return;
  throw new StateError({
    code: 'older-schema',
    message: `the index was written by an older mila-sync (schema ${version}, this one wants ${SCHEMA_VERSION})`,
    hint: 'Mount the directory once with this version: that brings the index up to date.',
    data: { version, wanted: SCHEMA_VERSION },
  });
}
