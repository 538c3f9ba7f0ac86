import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { mountFacts } from '../../../src/cli/mount-facts.ts';
import { remoteId } from '../../../src/ids.ts';
import { ROOT } from '../../../src/sync/engine/replica.ts';
import { VersionIndex } from '../../../src/sync/index/version-index.ts';
import { acquireLock } from '../../../src/sync/mount/lock.ts';
import { indexPath, lockPath } from '../../../src/sync/mount/mount.ts';

const HOUR = Date.UTC(2023, 0, 16, 10);
let directory = '';
let runFolder = '';
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'mount-facts-'));
  runFolder = join(directory, 'kmol folder', 'jwt', 'test_run', '2023-01-16_19-11');
  await mkdir(runFolder, { recursive: true });
  await mkdir(join(directory, '.mila-sync'));
});
afterEach(async () => {
  await rm(directory, { recursive: true, force: true });
});

function fillIndex(): VersionIndex {
  const index = VersionIndex.open(indexPath({ directory, rootPath: [] }));
  const folder = (id: string, parent: string | null, name: string) =>
    index.putRemote({
      kind: 'folder',
      id: remoteId(id),
      parentId: parent === null ? null : remoteId(parent),
      name,
      etag: '0',
    });
  index.setMeta(ROOT, '10');
  folder('10', '9', 'test_run');
  folder('11', '10', '2023-01-16_19-11');
  folder('12', '11', 'heartbeats');
  const log = { op: 'upload-version', sizeBytes: 18, durationMs: 40, outcome: 'done' };
  index.putRemote({
    kind: 'file',
    id: remoteId('13'),
    parentId: remoteId('12'),
    name: 'a_heartbeat.txt',
    etag: '3',
    content: { sha1: 'x', sizeBytes: 18, modifiedAtMs: HOUR + 1000 },
    versionId: '77',
    createdBy: { id: '1', name: 'a' },
    modifiedBy: { id: '1', name: 'a' },
    receivedAtMs: HOUR + 2000,
  });
  index.logOp({ ...log, atMs: HOUR + 2000, path: '2023-01-16_19-11/heartbeats/a_heartbeat.txt' });
  index.logOp({ ...log, atMs: HOUR + 3000, path: '2023-01-17_19-11/heartbeats/a_heartbeat.txt' });
  index.countCalls({ hour: HOUR / 3_600_000, user: '11', endpoint: 'GET /2.0/events', calls: 5 });
  index.countCalls({ hour: HOUR / 3_600_000 + 1, user: '11', endpoint: 'GET /2.0/events', calls: 7 });
  return index;
}

async function expectFacts(): Promise<void> {
  const { facts, problem } = await mountFacts(runFolder);
  expect(problem).toBeNull();
  expect([...(facts?.files ?? [])]).toEqual([
    [
      'heartbeats/a_heartbeat.txt',
      {
        versionId: '77',
        sizeBytes: 18,
        createdBy: { id: '1', name: 'a' },
        modifiedBy: { id: '1', name: 'a' },
        receivedAtMs: HOUR + 2000,
      },
    ],
  ]);
  expect(facts?.transfers.map(({ path }) => path)).toEqual(['heartbeats/a_heartbeat.txt']);
  expect(facts?.calls).toEqual([{ hourAtMs: HOUR, endpoint: 'GET /2.0/events', calls: 5 }]);
}

it('reads the index of a mount that does not run without leaving a file beside it', async () => {
  fillIndex().close();
  const before = await readdir(join(directory, '.mila-sync'));
  await expectFacts();
  expect(await readdir(join(directory, '.mila-sync'))).toEqual(before);
});

it('reads the index of a running mount, also what is still in its log', async () => {
  const lock = await acquireLock(lockPath({ directory, rootPath: [] }));
  const index = fillIndex();
  await expectFacts();
  index.close();
  await lock.release();
});

it('knows nothing of a folder that only lies below a mount directory', async () => {
  fillIndex().close();
  const copy = join(directory, 'copies', '2023-01-16_19-11');
  await mkdir(copy, { recursive: true });
  expect(await mountFacts(copy)).toEqual({ facts: null, problem: null });
});

it('tells of a damaged index instead of failing', async () => {
  await writeFile(indexPath({ directory, rootPath: [] }), 'not a database, '.repeat(100));
  const { facts, problem } = await mountFacts(runFolder);
  expect(facts).toBeNull();
  expect(problem).toContain('cannot be used');
});

it('takes a folder without a mount around it as a plain copy', async () => {
  await rm(join(directory, '.mila-sync'), { recursive: true });
  expect(await mountFacts(runFolder)).toEqual({ facts: null, problem: null });
});
