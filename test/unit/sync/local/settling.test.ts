import { beforeEach, describe, expect, it } from 'vitest';
import { localId, remoteId } from '../../../../src/ids.ts';
import { silentLogger } from '../../../../src/logger.ts';
import { Replica } from '../../../../src/sync/engine/replica.ts';
import { VersionIndex } from '../../../../src/sync/index/version-index.ts';
import { MirrorRoot } from '../../../../src/sync/local/mirror-root.ts';
import { Settling } from '../../../../src/sync/local/settling.ts';
import type { StatFacts } from '../../../../src/sync/local/stat-facts.ts';
import { FakeClock } from '../box/fake-clock.ts';

const PLACE = { parentId: localId(1), name: 'model.pt', id: undefined };
const LARGE = 10_000_000;

describe('Settling', () => {
  let clock: FakeClock;
  let settling: Settling;
  beforeEach(() => {
    clock = new FakeClock();
    const folder = { kind: 'folder', id: remoteId('1'), parentId: null, name: 'shared', etag: '0' } as const;
    settling = new Settling(
      {
        clock,
        root: new MirrorRoot({ directory: '/mount', rootPath: ['shared'] }),
        store: Replica.open(VersionIndex.open(':memory:'), folder),
        ignored: () => false,
        logger: silentLogger,
        signal: new AbortController().signal,
      },
      { unreadable: () => {}, read: () => {} },
    );
  });

  const facts = (sizeBytes: number, renamedAfterMs = 0): StatFacts => ({
    kind: 'file',
    inode: '1:2:3',
    links: 1,
    sizeBytes,
    modifiedAtMs: clock.now() - renamedAfterMs,
    changedAtMs: clock.now(),
  });
  const waitMs = () => (settling.nextLookAtMs ?? Number.NaN) - clock.monotonic();

  it('takes a small file almost at once, and waits for a large one', () => {
    settling.add(PLACE, facts(100));
    expect(waitMs()).toBe(25);
    settling.add({ ...PLACE, name: 'other.pt' }, facts(LARGE));
    settling.add(PLACE, facts(LARGE));
    expect(waitMs()).toBe(500);
  });

  it('takes a large file at once that got its name after it was written', () => {
    settling.add(PLACE, facts(LARGE, 40));
    expect(waitMs()).toBe(25);
  });

  it('takes it at once however fast the disk was between the last write and the name', () => {
    settling.add(PLACE, facts(LARGE, 0.5));
    expect(waitMs()).toBe(25);
  });

  it('waits the longer the more often a file was seen to grow, up to a limit', async () => {
    const waits: number[] = [];
    for (let size = 1; size <= 8; size += 1) {
      settling.add(PLACE, facts(LARGE * size));
      waits.push(waitMs());
      await clock.advance(300);
    }
    expect(waits).toEqual([500, 500, 500, 500, 1000, 2000, 4000, 4000]);
  });
});
