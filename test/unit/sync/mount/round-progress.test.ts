import { expect, it } from 'vitest';
import { type RemoteId, remoteId } from '../../../../src/ids.ts';
import { hasEverybodysUpdate } from '../../../../src/sync/mount/round-progress.ts';
import type { RemoteEntry } from '../../../../src/sync/tree/entry.ts';
import { Tree } from '../../../../src/sync/tree/tree.ts';

const RUN = remoteId('run');
const ROUNDS = remoteId('rounds');
const FILE = {
  kind: 'file',
  etag: '0',
  content: { sha1: 'da39a3ee5e6b4b0d3255bfef95601890afd80709', sizeBytes: 0, modifiedAtMs: 0 },
  versionId: '1',
  createdBy: null,
  modifiedBy: null,
  receivedAtMs: 0,
} as const;

/** A run's folders, each with the files named. */
function runOf(folders: Readonly<Record<string, readonly string[]>>): Tree<RemoteId, RemoteEntry> {
  const tree = new Tree<RemoteId, RemoteEntry>();
  const folder = (id: RemoteId, parentId: RemoteId | null, name: string) =>
    tree.put({ kind: 'folder', id, parentId, name, etag: '0' });
  folder(RUN, null, '2026-01-16_19-11');
  folder(ROUNDS, RUN, 'rounds');
  for (const [name, files] of Object.entries(folders)) {
    folder(remoteId(name), name.startsWith('round') ? ROUNDS : RUN, name);
    for (const file of files)
      tree.put({ ...FILE, id: remoteId(`${name}/${file}`), parentId: remoteId(name), name: file });
  }
  return tree;
}

const near = (folders: Parameters<typeof runOf>[0], folder = 'round_2') =>
  hasEverybodysUpdate(runOf(folders), remoteId(folder));

it('is so once everybody of the round before has delivered, whoever else is there', () => {
  const before = ['a.pt', 'a.meta.json', 'b.pt', 'server.agg'];
  expect(near({ round_1: before, round_2: ['a.pt', 'a.meta.json', 'b.meta.json'] })).toBe(false);
  expect(near({ round_1: before, round_2: ['b.pt', 'A.pt'] })).toBe(true);
  expect(near({ round_1: before, round_2: ['a.pt', 'b.pt', 'c.pt'] })).toBe(true);
});

it('is so in a first round once everybody who claimed a name has delivered', () => {
  const authentications = ['A_authentication.txt', 'b_authentication.txt'];
  expect(near({ authentications, round_1: ['a.pt'] }, 'round_1')).toBe(false);
  expect(near({ authentications, round_1: ['a.pt', 'b.pt'] }, 'round_1')).toBe(true);
  const authentifications = ['c_d_authentification.txt', 'notes.txt'];
  expect(near({ authentifications, round_1: ['c_d.pt'] }, 'round_1')).toBe(true);
});

it('is never so where nothing can be said', () => {
  expect(near({ round_1: ['a.pt'] }, 'round_1')).toBe(false);
  expect(near({ round_2: ['a.pt'] })).toBe(false);
  expect(near({ round_1: ['server.agg'], round_2: ['a.pt'] })).toBe(false);
  expect(near({ round_1: ['a.pt'], round_0x2: ['a.pt'] }, 'round_0x2')).toBe(false);
  expect(near({ round_1: ['a.pt'] }, 'gone')).toBe(false);
});
