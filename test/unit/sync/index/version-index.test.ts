import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { localId, remoteId } from '../../../../src/ids.ts';
import { VersionIndex } from '../../../../src/sync/index/version-index.ts';
import type { LocalFile, RemoteFile } from '../../../../src/sync/tree/entry.ts';

const remote: RemoteFile = {
  kind: 'file',
  id: remoteId('11'),
  parentId: remoteId('1'),
  name: 'プレ.pt',
  etag: '3',
  content: { sha1: 'aa', sizeBytes: 5_000_000_000, modifiedAtMs: 1_700_000_000_000 },
  versionId: '21',
  createdBy: { id: '5', name: 'Ada' },
  modifiedBy: null,
  receivedAtMs: 1_700_000_001_000,
};
const local: LocalFile = {
  kind: 'file',
  id: localId(7),
  parentId: localId(1),
  name: 'プレ.pt',
  inode: '1:2:3',
  content: { sha1: 'aa', sizeBytes: 5_000_000_000, modifiedAtMs: 1_700_000_000_000.123 },
  changedAtMs: 1_700_000_002_000.456,
};

let folder: string;
let path: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mila-index-'));
  path = join(folder, 'index.sqlite');
});

afterEach(() => rm(folder, { recursive: true, force: true }));

it('gives back what was stored, to the last digit', () => {
  const index = VersionIndex.open(path);
  index.transaction(() => {
    index.putRemote(remote);
    index.putLocal(local);
    index.putSynced({
      remoteId: remote.id,
      localId: local.id,
      parentId: remote.parentId,
      name: remote.name,
      kind: 'file',
      content: remote.content,
    });
  });
  index.close();
  const again = VersionIndex.open(path);
  const trees = again.loadTrees();
  expect(trees.remote.get(remote.id)).toEqual(remote);
  expect(trees.local.get(local.id)).toEqual(local);
  expect(trees.synced.byLocal(local.id)?.remoteId).toBe(remote.id);
  again.close();
});

it('stores all of a transaction or nothing', () => {
  const index = VersionIndex.open(path);
  expect(() =>
    index.transaction(() => {
      index.putRemote(remote);
      throw new Error('a crash in between');
    }),
  ).toThrow('in between');
  expect(index.loadTrees().remote.size).toBe(0);
  index.close();
});

it('keeps the resumption of an upload for the same content only', () => {
  const index = VersionIndex.open(path);
  const entry = { key: 'upload:7', op: 'upload', path: 'a.pt', sha1: 'aa', startedAtMs: 1, resumption: null };
  index.journalStart(entry);
  index.journalResumption('upload:7', 'session 1');
  index.journalStart({ ...entry, startedAtMs: 2 });
  expect(index.journalGet('upload:7')?.resumption).toBe('session 1');
  index.journalStart({ ...entry, sha1: 'bb' });
  expect(index.journalGet('upload:7')?.resumption).toBeNull();
  index.journalEnd('upload:7');
  expect(index.journalGet('upload:7')).toBeUndefined();
  index.close();
});

it('adds up calls by hour and endpoint', () => {
  const index = VersionIndex.open(path);
  const events = { user: '7', endpoint: 'GET /2.0/events' };
  for (const [hour, calls] of [
    [100, 2],
    [100, 3],
    [99, 7],
  ] as const)
    index.countCalls({ ...events, hour, calls });
  index.countCalls({ ...events, hour: 100, user: '8', calls: 1 });
  expect(index.apiUsage(100)).toEqual([
    { ...events, hour: 100, calls: 5 },
    { ...events, hour: 100, user: '8', calls: 1 },
  ]);
  index.close();
});

it('keeps what an older program counted, whose calls had no account yet', () => {
  VersionIndex.open(path).close();
  const older = new Database(path);
  older.exec(`DROP TABLE pins; DROP TABLE api_calls;
    CREATE TABLE api_calls (hour INTEGER NOT NULL, endpoint TEXT NOT NULL, calls INTEGER NOT NULL,
      PRIMARY KEY (hour, endpoint)) STRICT, WITHOUT ROWID;
    INSERT INTO api_calls VALUES (100, 'GET /2.0/events', 4)`);
  older.pragma('user_version = 1');
  older.close();
  const index = VersionIndex.open(path);
  expect(index.apiUsage(0)).toEqual([{ hour: 100, user: '', endpoint: 'GET /2.0/events', calls: 4 }]);
  index.close();
});

it('says that a file is no index, and that one is too new', async () => {
  await writeFile(path, 'not an index at all, but long enough to be read as one'.repeat(50));
  expect(() => VersionIndex.open(path)).toThrow(expect.objectContaining({ code: 'index-damaged' }));
  await truncate(path, 0);
  const database = new Database(path);
  database.pragma('user_version = 999');
  database.close();
  expect(() => VersionIndex.open(path)).toThrow(expect.objectContaining({ code: 'newer-schema' }));
});
