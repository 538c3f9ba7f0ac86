import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { localId, remoteId } from '../../../../src/ids.ts';
import { silentLogger } from '../../../../src/logger.ts';
import { seededRandom } from '../../../../src/random.ts';
import { VersionIndex } from '../../../../src/sync/index/version-index.ts';
import { renewGeneration } from '../../../../src/sync/mount/index-generation.ts';

describe('the generation of an index', () => {
  const random = seededRandom(7);
  let directory: string;
  const path = (...names: string[]) => join(directory, '.mila-sync', ...names);

  /** Open the index as a mount does, and tell how much of what was agreed it still believes. */
  const open = async (agree = false): Promise<number> => {
    const index = VersionIndex.open(path('index.sqlite'));
    try {
      await renewGeneration({ directory, rootPath: ['s'] }, index, { random, logger: silentLogger });
      const content = { sha1: 'aa', sizeBytes: 1, modifiedAtMs: 0 };
      const place = { parentId: null, name: '', kind: 'file' as const, content };
      if (agree) index.putSynced({ remoteId: remoteId('1'), localId: localId(1), ...place });
      return index.loadTrees().synced.size;
    } finally {
      index.close();
    }
  };

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'mila-generation-'));
    await mkdir(path());
  });

  afterEach(() => rm(directory, { recursive: true, force: true }));

  it('is believed from one mount to the next', async () => {
    await open(true);
    expect(await open()).toBe(1);
    expect(await open()).toBe(1);
  });

  it('shows an older copy that was put back, whose agreements are then forgotten', async () => {
    await open(true);
    await cp(path('index.sqlite'), path('older'));
    await open();
    await cp(path('older'), path('index.sqlite'));
    expect(await open()).toBe(0);
  });

  it('stays believed when the renewal was cut short at either write', async () => {
    await open(true);
    await cp(path('index.sqlite'), path('before'));
    await open();
    const index = VersionIndex.openReadonly(path('index.sqlite'));
    const fresh = index.meta('generation') ?? '';
    index.close();
    const older = VersionIndex.openReadonly(path('before'));
    const former = older.meta('generation') ?? '';
    older.close();
    await writeFile(path('generation'), `${former}\n${fresh}\n`);
    expect(await open()).toBe(1);
    await writeFile(path('generation'), `${former}\n${fresh}\n`);
    await cp(path('before'), path('index.sqlite'));
    expect(await open()).toBe(1);
  });
});
