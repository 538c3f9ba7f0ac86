import { realpathSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { StaleError } from '../../../../src/errors.ts';
import { LocalDisk } from '../../../../src/sync/local/disk.ts';
import { type FileSystem, systemFiles } from '../../../../src/sync/local/file-system.ts';
import { MirrorRoot } from '../../../../src/sync/local/mirror-root.ts';
import { statFacts } from '../../../../src/sync/local/stat-facts.ts';
import type { LocalFile } from '../../../../src/sync/tree/entry.ts';

let directory = '';
beforeEach(async () => {
  directory = realpathSync(await mkdtemp(join(tmpdir(), 'across-disks-')));
  for (const folder of ['root/other', '.mila-sync/staging'])
    await mkdir(join(directory, folder), { recursive: true });
});
afterEach(() => rm(directory, { recursive: true, force: true }));

/** Which disk a path lies on, as if the mirrored folder and a folder in it were mount points. */
function diskOf(path: string): string {
  const folder = `${realpathSync(dirname(path))}/`;
  if (folder.startsWith(`${directory}/root/other/`)) return 'other';
  return folder.startsWith(`${directory}/root/`) ? 'root' : 'state';
}

function refuseAcross(from: string, to: string): void {
  if (diskOf(from) !== diskOf(to)) throw Object.assign(new Error('cross-device link'), { code: 'EXDEV' });
}

/** The system's files on three disks; `onRead` is called when a file that is copied was read. */
function threeDisks(
  onRead: () => Promise<void> = async () => undefined,
  onRenamed: () => Promise<void> = async () => undefined,
): LocalDisk {
  const files: FileSystem = {
    ...systemFiles,
    link: async (from, to) => {
      refuseAcross(from, to);
      await systemFiles.link(from, to);
    },
    rename: async (from, to, guards) => {
      refuseAcross(from, to);
      const isRenamed = await systemFiles.rename(from, to, guards);
      await onRenamed();
      return isRenamed;
    },
    open: async (path, mode) => {
      const file = await systemFiles.open(path, mode);
      if (mode !== 'read') return file;
      const read = file.read.bind(file);
      return Object.assign(file, {
        read: async (buffer: Uint8Array, position: number) => {
          const count = await read(buffer, position);
          if (position === 0) await onRead();
          return count;
        },
      });
    },
  };
  return new LocalDisk(new MirrorRoot({ directory, rootPath: ['root'] }, files));
}

const at = (...names: string[]) => join(directory, 'root', ...names);

async function entryOf(path: string): Promise<LocalFile> {
  const facts = await statFacts(path);
  if (facts === undefined) throw new Error(`${path} is not there`);
  const { inode, sizeBytes, modifiedAtMs, changedAtMs } = facts;
  const content = { sha1: '0'.repeat(40), sizeBytes, modifiedAtMs };
  return { kind: 'file', id: '1', parentId: null, name: 'a.pt', inode, content, changedAtMs } as never;
}

async function staged(text: string): Promise<string> {
  const path = await threeDisks().stagedPath('1-2');
  await writeFile(path, text);
  return path;
}

/** Every file below the mirror, with its content. */
async function tree(folder = at()): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const entry of await readdir(folder, { withFileTypes: true, recursive: true }))
    if (entry.isFile()) {
      const path = join(entry.parentPath, entry.name);
      found[path.slice(directory.length + 1)] = await readFile(path, 'utf8');
    }
  return found;
}

describe('a mirrored folder that lies on another disk than the engine’s own folder', () => {
  it('gets new files, whole, with their times, and the disk is as the index says', async () => {
    const path = await staged('new');
    const facts = await threeDisks().place(path, ['a.pt'], {
      replaces: null,
      modifiedAtMs: 1_700_000_000_000,
    });
    expect(await statFacts(at('a.pt'))).toEqual(facts);
    expect(facts.modifiedAtMs).toBe(1_700_000_000_000);
    expect(await tree(directory)).toEqual({ 'root/a.pt': 'new' });
  });

  it('gets new content in the mode of what it replaces, and nothing where somebody changed that', async () => {
    await writeFile(at('a.pt'), 'old');
    await chmod(at('a.pt'), 0o600);
    const replaces = await entryOf(at('a.pt'));
    await threeDisks().place(await staged('new'), ['a.pt'], { replaces, modifiedAtMs: 1 });
    expect(await tree()).toEqual({ 'root/a.pt': 'new' });
    expect((await stat(at('a.pt'))).mode & 0o777).toBe(0o600);
    const placing = threeDisks().place(await staged('newer'), ['a.pt'], { replaces, modifiedAtMs: 2 });
    await expect(placing).rejects.toBeInstanceOf(StaleError);
    expect(await tree()).toEqual({ 'root/a.pt': 'new' });
  });

  it('replaces nothing that a program made meanwhile, and leaves no copy behind', async () => {
    const path = await staged('new');
    const disk = threeDisks(() => writeFile(at('a.pt'), 'a program’s'));
    const placing = disk.place(path, ['a.pt'], { replaces: null, modifiedAtMs: 1 });
    await expect(placing).rejects.toBeInstanceOf(StaleError);
    expect(await tree(directory)).toEqual({
      '.mila-sync/staging/1-2.part': 'new',
      'root/a.pt': 'a program’s',
    });
  });

  it('goes on after a crash that left a copy', async () => {
    await writeFile(at('.a.pt.mila-tmp'), 'a half, longer than the whole');
    await threeDisks().place(await staged('new'), ['a.pt'], { replaces: null, modifiedAtMs: 1 });
    expect(await tree(directory)).toEqual({ 'root/a.pt': 'new' });
  });

  it('gives up a file that lost a conflict, unless it is edited meanwhile', async () => {
    await writeFile(at('a.pt'), 'mine');
    const entry = await entryOf(at('a.pt'));
    const kept = await threeDisks().setAside(entry, ['a.pt'], 'stamp');
    expect(await readFile(kept, 'utf8')).toBe('mine');
    expect(await tree()).toEqual({});
    await writeFile(at('a.pt'), 'mine');
    const again = await entryOf(at('a.pt'));
    const disk = threeDisks(() => writeFile(at('a.pt'), 'edited'));
    await expect(disk.setAside(again, ['a.pt'], 'stamp-2')).rejects.toBeInstanceOf(StaleError);
    expect(await tree()).toEqual({ 'root/a.pt': 'edited' });
    expect((await readdir(dirname(kept))).length).toBe(1);
  });

  it('takes a file along that is moved to a folder on a third disk, and replaces nothing there', async () => {
    await writeFile(at('a.pt'), 'mine');
    const facts = await threeDisks().move(await entryOf(at('a.pt')), ['a.pt'], ['other', 'b.pt']);
    expect(await statFacts(at('other', 'b.pt'))).toEqual(facts);
    expect(await tree()).toEqual({ 'root/other/b.pt': 'mine' });
    await writeFile(at('a.pt'), 'another');
    const moving = threeDisks().move(await entryOf(at('a.pt')), ['a.pt'], ['other', 'b.pt']);
    await expect(moving).rejects.toBeInstanceOf(StaleError);
    expect(await tree()).toEqual({ 'root/a.pt': 'another', 'root/other/b.pt': 'mine' });
  });

  it('keeps what programs write under both names while a file is moved', async () => {
    await writeFile(at('a.pt'), 'mine');
    const disk = threeDisks(undefined, async () => {
      await writeFile(at('a.pt'), 'edited where it was');
      await writeFile(at('other', 'b.pt'), 'edited where it goes');
    });
    const moving = disk.move(await entryOf(at('a.pt')), ['a.pt'], ['other', 'b.pt']);
    await expect(moving).rejects.toBeInstanceOf(StaleError);
    expect(await tree()).toEqual({
      'root/a.pt': 'edited where it was',
      'root/other/b.pt': 'edited where it goes',
    });
  });

  it('leaves a folder where it is that is to be moved to another disk', async () => {
    await mkdir(at('folder'));
    await writeFile(at('folder', 'a.pt'), 'mine');
    const facts = await statFacts(at('folder'));
    const folder = { kind: 'folder', id: '1', parentId: null, name: 'folder', inode: facts?.inode } as never;
    const moving = threeDisks().move(folder, ['folder'], ['other', 'folder']);
    await expect(moving).rejects.toMatchObject({ code: 'EXDEV' });
    expect(await tree()).toEqual({ 'root/folder/a.pt': 'mine' });
  });
});
