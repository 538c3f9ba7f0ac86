import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { remoteId } from '../../../../src/ids.ts';
import { silentLogger } from '../../../../src/logger.ts';
import { LocalSide } from '../../../../src/sync/engine/local-side.ts';
import { Notices } from '../../../../src/sync/engine/notices.ts';
import { Replica } from '../../../../src/sync/engine/replica.ts';
import { VersionIndex } from '../../../../src/sync/index/version-index.ts';
import { MirrorRoot } from '../../../../src/sync/local/mirror-root.ts';
import type { WatcherOptions } from '../../../../src/sync/local/watcher.ts';
import { FakeClock } from '../box/fake-clock.ts';

describe('LocalSide', () => {
  let directory: string;
  let clock: FakeClock;
  let notices: Notices;
  let watches: WatcherOptions[];
  let side: LocalSide;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'mila-local-side-'));
    await mkdir(join(directory, 'shared'));
    clock = new FakeClock();
    notices = new Notices();
    watches = [];
    const folder = { kind: 'folder', id: remoteId('1'), parentId: null, name: 'shared', etag: '0' } as const;
    const replica = Replica.open(VersionIndex.open(':memory:'), folder);
    side = new LocalSide({
      root: new MirrorRoot({ directory, rootPath: ['shared'] }),
      store: replica,
      memory: replica,
      watch: async (options) => {
        watches.push(options);
        return { close: async () => {} };
      },
      filter: () => 'mirror',
      clock,
      logger: silentLogger,
      signal: new AbortController().signal,
      notices,
      wake: () => {},
    });
    await side.open();
    await side.look();
  });
  afterEach(async () => {
    await side.close();
    await rm(directory, { recursive: true, force: true });
  });

  it('says which limit to raise when not all folders can be watched, and no more once they can', async () => {
    watches[0]?.onFailure(Object.assign(new Error('no watch left'), { code: 'ENOSPC' }));
    expect(notices.all.join()).toMatch(/changes are found by looking.*max_user_watches/);
    expect(side.nextAtMs).toBeLessThanOrEqual(clock.monotonic());
    await clock.advance(5 * 60_000);
    await side.look();
    expect(watches).toHaveLength(2);
    expect(notices.all).toEqual([]);
  });

  it('watches anew when the mirrored folder was away', async () => {
    await rm(join(directory, 'shared'), { recursive: true });
    await side.look();
    expect(side.observer.rootStanding).toBe('missing');
    await mkdir(join(directory, 'shared'));
    await side.look();
    // Another folder is not the former one.
    expect(side.observer.rootStanding).toBe('replaced');
    expect(watches).toHaveLength(1);
  });
});
