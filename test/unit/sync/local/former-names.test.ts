import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../../src/clock.ts';
import { remoteId } from '../../../../src/ids.ts';
import { silentLogger } from '../../../../src/logger.ts';
import { Replica } from '../../../../src/sync/engine/replica.ts';
import { VersionIndex } from '../../../../src/sync/index/version-index.ts';
import { systemFiles } from '../../../../src/sync/local/file-system.ts';
import { FormerNames } from '../../../../src/sync/local/former-names.ts';
import { MirrorRoot } from '../../../../src/sync/local/mirror-root.ts';
import { Settling } from '../../../../src/sync/local/settling.ts';
import { statFacts } from '../../../../src/sync/local/stat-facts.ts';
import { eventually } from '../../../support/eventually.ts';

it('tells a file under a new name from one that is seen for the first time, and forgets the oldest', () => {
  const names = new FormerNames();
  expect(names.see('1:1:1', 'a')).toBe(false);
  expect(names.see('1:1:1', 'a')).toBe(false);
  expect(names.see('1:1:1', 'b')).toBe(true);
  for (let inode = 2; inode < 1_002; inode += 1) expect(names.see(`1:${inode}:1`, 'x')).toBe(false);
  expect(names.see('1:1:1', 'c')).toBe(false);
});

describe('a file that rests is written down before it is read, so that a store into its mapped memory is told', () => {
  let directory: string;
  let settling: Settling;
  let flushed: string[];
  let read: string[];
  let replica: Replica;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'mila-settle-'));
    flushed = [];
    read = [];
    const folder = { kind: 'folder', id: remoteId('1'), parentId: null, name: 'shared', etag: '0' } as const;
    replica = Replica.open(VersionIndex.open(':memory:'), folder);
    const files = {
      ...systemFiles,
      open: async (path: string, mode: 'read' | 'write' | 'append') => {
        const file = await systemFiles.open(path, mode);
        const syncData = file.syncData.bind(file);
        file.syncData = async () => {
          flushed.push(path);
          await syncData();
        };
        read.push(path);
        return file;
      },
    };
    settling = new Settling(
      {
        clock: systemClock(),
        root: new MirrorRoot({ directory, rootPath: [] }, files),
        store: replica,
        ignored: () => false,
        logger: silentLogger,
        signal: new AbortController().signal,
      },
      { unreadable: () => {}, read: () => {} },
    );
  });
  afterEach(async () => {
    await settling.close();
    rmSync(directory, { recursive: true, force: true });
  });

  const at = (name: string) => join(directory, name);
  /** A file whose last write is over, under its name by a rename that came later. */
  async function renamed(from: string, to: string): Promise<void> {
    const before = await statFacts(at(from));
    await eventually(async () => {
      renameSync(at(from), at(to));
      renameSync(at(to), at(from));
      expect((await statFacts(at(from)))?.changedAtMs).toBeGreaterThan(before?.modifiedAtMs ?? 0);
    });
    renameSync(at(from), at(to));
  }
  async function seen(name: string): Promise<void> {
    const facts = await statFacts(at(name));
    if (facts === undefined) throw new Error('it is not there');
    settling.add({ parentId: replica.localRoot.id, name, id: undefined }, facts);
  }
  async function taken(name: string): Promise<void> {
    await eventually(async () => {
      await settling.look();
      expect(read).toContain(at(name));
      expect(settling.size).toBe(0);
    });
  }

  it('but a small one that was written aside and renamed into place is no memory of a program', async () => {
    writeFileSync(at('aside'), 'beat');
    await renamed('aside', 'beat.txt');
    await seen('beat.txt');
    await taken('beat.txt');
    expect(flushed).toEqual([]);
  });

  it('and a small one too that had another name here while it was not yet read', async () => {
    writeFileSync(at('array.npy'), 'first');
    await seen('array.npy');
    await renamed('array.npy', 'other.npy');
    await seen('other.npy');
    await taken('other.npy');
    expect(flushed).toEqual([at('other.npy')]);
  });

  it('and a small one too that is known, and has another name now', async () => {
    writeFileSync(at('array.npy'), 'first');
    await seen('array.npy');
    await taken('array.npy');
    const [known] = replica.local.named(replica.localRoot.id, 'array.npy');
    writeFileSync(at('array.npy'), 'second');
    flushed.length = 0;
    await renamed('array.npy', 'other.npy');
    const facts = await statFacts(at('other.npy'));
    if (known === undefined || facts === undefined) throw new Error('it is not known');
    settling.add({ parentId: replica.localRoot.id, name: 'other.npy', id: known.id }, facts);
    await taken('other.npy');
    expect(flushed).toEqual([at('other.npy')]);
  });
});
