import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { systemFiles } from '../../../../src/sync/local/file-system.ts';
import { MirrorRoot } from '../../../../src/sync/local/mirror-root.ts';
import { unlistedEntries } from '../../../../src/sync/mount/disk-entries.ts';
import { namesIn } from '../../../../src/sync/mount/names-in.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mila-unreadable-'));
});

afterEach(() => rm(folder, { recursive: true, force: true }));

it('a folder that cannot be read is not taken for an empty one', async () => {
  expect(await namesIn(join(folder, 'nowhere'))).toEqual([]);
  // What root cannot read either.
  await symlink('loop', join(folder, 'loop'));
  await expect(namesIn(join(folder, 'loop'))).rejects.toMatchObject({ code: 'folder-unreadable' });
});

it('what stands in an unreadable folder is told to be unknown', async () => {
  await mkdir(join(folder, 'shared', 'open'), { recursive: true });
  await mkdir(join(folder, 'shared', 'closed'));
  await writeFile(join(folder, 'shared', 'open', 'a.txt'), '');
  const files = {
    ...systemFiles,
    list: async (path: string) => {
      if (path.endsWith('closed')) throw Object.assign(new Error('EACCES'), { code: 'EACCES' });
      return systemFiles.list(path);
    },
  };
  const root = new MirrorRoot({ directory: folder, rootPath: ['shared'] }, files);
  const { entries, unreadable } = await unlistedEntries(root, new Set(), () => 'mirror');
  expect(entries.map(({ path }) => path).sort()).toEqual(['closed', 'open', 'open/a.txt']);
  expect([...unreadable]).toEqual(['closed']);
});
