import { existsSync, mkdirSync, renameSync, symlinkSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { temporaryPathFor } from '../../../../src/atomic-file.ts';
import { StaleError } from '../../../../src/errors.ts';
import { LocalDisk } from '../../../../src/sync/local/disk.ts';
import { type FileSystem, systemFiles } from '../../../../src/sync/local/file-system.ts';
import { canHoldFolders } from '../../../../src/sync/local/held-folder.ts';
import { MirrorRoot } from '../../../../src/sync/local/mirror-root.ts';
import { statFacts } from '../../../../src/sync/local/stat-facts.ts';
import type { LocalEntry } from '../../../../src/sync/tree/entry.ts';

let directory = '';
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'disk-links-'));
  for (const folder of ['root/a', 'outside', '.mila-sync'])
    mkdirSync(join(directory, folder), { recursive: true });
  for (const folder of ['root/a', 'outside']) await writeFile(join(directory, folder, 'old.txt'), folder);
});
afterEach(() => rm(directory, { recursive: true, force: true }));

/** Exchange the folder for a link to elsewhere, once. */
function swap(): void {
  if (existsSync(join(directory, 'root/moved'))) return;
  renameSync(join(directory, 'root/a'), join(directory, 'root/moved'));
  symlinkSync(join(directory, 'outside'), join(directory, 'root/a'));
}

/** A disk where somebody does that right after the folder was looked at, or right before an effect in it. */
function diskSwapping(moment: 'looked' | 'effect'): LocalDisk {
  const effects = ['link', 'rename', 'removeFile', 'makeFolder', 'removeFolder'] as const;
  const files: FileSystem = { ...systemFiles };
  if (moment === 'looked')
    files.realPath = async (path) => {
      const real = await systemFiles.realPath(path);
      if (path.endsWith('/a')) swap();
      return real;
    };
  else
    for (const effect of effects) {
      const original = systemFiles[effect] as (...args: unknown[]) => Promise<never>;
      files[effect] = async (...args: unknown[]) => {
        swap();
        return original(...args);
      };
    }
  return new LocalDisk(new MirrorRoot({ directory, rootPath: ['root'] }, files));
}

async function entryOf(path: string): Promise<LocalEntry> {
  const facts = await statFacts(path);
  if (facts === undefined) throw new Error(`${path} is not there`);
  const { inode, sizeBytes, modifiedAtMs, changedAtMs } = facts;
  const content = { sha1: '0'.repeat(40), sizeBytes, modifiedAtMs };
  return { kind: 'file', id: '1', parentId: null, name: 'old.txt', inode, content, changedAtMs } as never;
}

const EFFECTS: readonly (readonly [string, (disk: LocalDisk) => Promise<unknown>])[] = [
  [
    'places nothing',
    async (disk) => {
      const staged = await disk.stagedPath('x');
      await writeFile(staged, 'new');
      await disk.place(staged, ['a', 'new.txt'], { replaces: null, modifiedAtMs: 0 });
    },
  ],
  ['makes no folder', (disk) => disk.makeFolder(['a', 'sub'])],
  [
    'removes nothing',
    async (disk) => disk.remove(await entryOf(join(directory, 'root/a/old.txt')), ['a', 'old.txt']),
  ],
  [
    'moves nothing',
    async (disk) =>
      disk.move(await entryOf(join(directory, 'root/a/old.txt')), ['a', 'old.txt'], ['a', 'b.txt']),
  ],
  [
    'sets nothing aside',
    async (disk) =>
      disk.setAside(await entryOf(join(directory, 'root/a/old.txt')), ['a', 'old.txt'], 'stamp'),
  ],
];

describe.each(EFFECTS)('through a link that takes a folder’s place it %s', (_, act) => {
  it.runIf(canHoldFolders())('right after the folder was looked at', async () => {
    await expect(act(diskSwapping('looked'))).rejects.toBeInstanceOf(StaleError);
    expect(await readdir(join(directory, 'outside'))).toEqual(['old.txt']);
  });

  it.runIf(canHoldFolders())(
    'right before the effect, which happens in the folder that was meant',
    async () => {
      await act(diskSwapping('effect')).catch((error: unknown) => {
        if (!(error instanceof StaleError)) throw error;
        expect(error.message).not.toContain('/proc/');
      });
      expect(await readdir(join(directory, 'outside'))).toEqual(['old.txt']);
      expect(await readFile(join(directory, 'outside/old.txt'), 'utf8')).toBe('outside');
    },
  );
});

it.each([
  ['a name as long as disks take', 'x'.repeat(255)],
  ['a name of long letters', `${'漢'.repeat(84)}abc`],
  ['a name that is cut in a letter of four bytes', `${'x'.repeat(200)}${'😀'.repeat(13)}`],
])('sets aside %s under a name that fits', async (_, name) => {
  const path = join(directory, 'root/a', name);
  await writeFile(path, 'content');
  const disk = new LocalDisk(new MirrorRoot({ directory, rootPath: ['root'] }));
  const stamp = '2026-01-31T09-15-00-000Z.host.abcdef';
  const kept = await disk.setAside(await entryOf(path), ['a', name], stamp);
  expect(await readFile(kept, 'utf8')).toBe('content');
  expect(kept.endsWith(`.${stamp}`)).toBe(true);
  expect(kept).not.toContain('\ufffd');
  expect(existsSync(path)).toBe(false);
  await writeFile(temporaryPathFor(path), '');
});

it('leaves no folder open', async () => {
  if (!canHoldFolders()) return;
  const disk = new LocalDisk(new MirrorRoot({ directory, rootPath: ['root'] }));
  const before = (await readdir('/proc/self/fd')).length;
  for (let time = 0; time < 50; time += 1) {
    await disk.makeFolder(['a', `f${time}`]);
    await disk.makeFolder(['missing', 'f']).catch(() => undefined);
  }
  expect((await readdir('/proc/self/fd')).length).toBeLessThan(before + 10);
  expect((await stat(join(directory, 'root/a/f49'))).isDirectory()).toBe(true);
});
