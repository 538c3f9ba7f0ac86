import { beforeEach, describe, expect, it } from 'vitest';
import { TransientError } from '../../../../src/errors.ts';
import { silentLogger } from '../../../../src/logger.ts';
import { RemoteObserver } from '../../../../src/sync/engine/remote-observer.ts';
import { Replica } from '../../../../src/sync/engine/replica.ts';
import { VersionIndex } from '../../../../src/sync/index/version-index.ts';
import type { MemoryCall } from '../../../../src/sync/remote/memory-faults.ts';
import { MemoryStore } from '../../../../src/sync/remote/memory-store.ts';
import { MEMORY_ROOT, MemoryWorld } from '../../../../src/sync/remote/memory-world.ts';
import type { ChangeHint } from '../../../../src/sync/remote/remote-store.ts';
import type { RemoteFile, RemoteFolder } from '../../../../src/sync/tree/entry.ts';
import { sourceOf } from '../../../contract/remote-store/source.ts';
import { FakeClock } from '../box/fake-clock.ts';

const error = new TransientError({ code: 'network', message: 'down' });

describe('RemoteObserver', () => {
  let clock: FakeClock;
  let other: MemoryStore;
  let replica: Replica;
  let observer: RemoteObserver;
  let world: MemoryWorld;
  let onCall: (call: MemoryCall) => void;
  let calls: MemoryCall['operation'][];
  let short: boolean;
  let failing: MemoryCall['operation'] | undefined;
  let disturb: (hints: readonly ChangeHint[]) => readonly ChangeHint[];
  let news: (number | 'entry')[];
  let root: RemoteFolder;

  beforeEach(async () => {
    clock = new FakeClock();
    world = new MemoryWorld(() => clock.now());
    onCall = () => {};
    calls = [];
    short = false;
    failing = undefined;
    news = [];
    disturb = (hints) => hints;
    const store = new MemoryStore({
      clock,
      world,
      user: { id: '1', name: 'one' },
      readsShort: () => short,
      disturbHints: (hints) => disturb(hints),
      fault: (call) => {
        const { operation } = call;
        calls.push(operation);
        onCall(call);
        return operation === failing ? { kind: 'fail', error } : undefined;
      },
    });
    other = new MemoryStore({ clock, world, user: { id: '2', name: 'two' } });
    root = await other.createFolder(MEMORY_ROOT, 'shared');
    replica = Replica.open(VersionIndex.open(':memory:'), root);
    const { signal } = new AbortController();
    observer = new RemoteObserver({
      store,
      replica,
      logger: silentLogger,
      signal,
      wanted: () => true,
      news: { newEntry: () => news.push('entry'), newVersion: (intervalMs) => news.push(intervalMs) },
    });
  });

  const upload = (name: string) => other.upload({ parentId: root.id, name, source: sourceOf('one') });
  const beat = (file: RemoteFile, content: string) =>
    other.uploadVersion({ ...file, source: sourceOf(content) });
  const known = async (...names: string[]): Promise<RemoteFile[]> => {
    const files: RemoteFile[] = [];
    for (const name of names) files.push(await upload(name));
    await observer.look(true);
    calls.length = 0;
    news.length = 0;
    return files;
  };
  const standing = (file: RemoteFile) => replica.remote.get(file.id);

  it('takes a newer version out of the event that shows it, for no more calls than the reading', async () => {
    const [first, second] = (await known('a', 'b')) as [RemoteFile, RemoteFile];
    await clock.advance(60_000);
    const now = [await beat(first, 'two'), await beat(second, 'two')];
    await observer.look(false);
    expect(now.map(standing)).toEqual(now);
    expect(calls).toEqual(['changes']);
    expect(news).toEqual([60_000, 60_000]);
  });

  for (const what of ['what it held', 'the mirrored folder itself'] as const)
    it(`forgets nothing when access came back after ${what} was not seen`, async () => {
      const [file] = (await known('a', 'b')) as [RemoteFile];
      world.shutOut('1');
      let gets = 0;
      onCall = ({ operation }) => {
        if (operation === 'get') gets += 1;
        // Out of sight for the first question only.
        if (gets === 2) world.letIn('1');
      };
      const { id, kind } = what === 'what it held' ? file : root;
      expect(await observer.lookAtItem(id, kind)).toBe('lost');
      expect(replica.remoteRoot.id).toBe(root.id);
      expect(standing(file)).toBeDefined();
    });

  it('is not taken back by events that come late, doubled or in the wrong order', async () => {
    const [file] = (await known('a')) as [RemoteFile];
    const second = await beat(file, 'two');
    const third = await beat(second, 'three');
    disturb = (hints) => [...hints.toReversed(), ...hints];
    await observer.look(false);
    expect(standing(file)).toEqual(third);
    expect(calls).toEqual(['changes']);
  });

  it('looks itself where the file was moved meanwhile, is not known or is gone', async () => {
    const [moved, gone] = (await known('a', 'b')) as [RemoteFile, RemoteFile];
    const folder = await other.createFolder(root.id, 'below');
    const there = await other.relocate({ ...(await beat(moved, 'two')), parentId: folder.id, name: 'c' });
    const last = await beat(gone, 'two');
    await other.remove(last);
    const fresh = await upload('d');
    await observer.look(false);
    expect(standing(moved)).toEqual(there);
    expect(standing(gone)).toBeUndefined();
    expect(standing(fresh)).toEqual(fresh);
    expect(news).toContain('entry');
  });

  it('takes a new file out of its event, but not one that is known to be gone', async () => {
    await known('a');
    const fresh = await upload('b');
    const passing = await upload('c');
    await other.remove(passing);
    disturb = (hints) => hints.filter(({ file }) => file?.id !== passing.id);
    await observer.look(false);
    expect(standing(fresh)).toEqual(fresh);
    expect(calls).toEqual(['changes', 'get']);
    disturb = () => [
      { itemId: passing.id, kind: 'file', parentId: root.id, accessChanged: false, file: passing },
    ];
    await observer.look(false);
    expect(standing(passing)).toBeUndefined();
  });

  it.each([
    ['came from outside', true],
    ['was made', false],
  ])('lists a folder that %s, though the first try failed after the folder was known', async (_, moved) => {
    await known('a');
    const folder = await other.createFolder(moved ? MEMORY_ROOT : root.id, 'below');
    const inside = await other.upload({ parentId: folder.id, name: 'b', source: sourceOf('one') });
    if (moved) await other.relocate({ ...folder, parentId: root.id });
    disturb = (hints) => hints.filter(({ itemId }) => itemId === folder.id);
    failing = 'list';
    await expect(observer.look(false)).rejects.toBe(error);
    failing = undefined;
    await observer.look(false);
    expect(standing(inside)).toEqual(inside);
    calls.length = 0;
    await observer.look(false);
    expect(calls).toEqual(['changes']);
  });

  it('says so when the feed told only a part, until it told the rest', async () => {
    const files = await known('a', 'b');
    for (const file of files) await beat(file, 'two');
    short = true;
    await observer.look(false);
    expect(observer.restMayFollow).toBe(true);
    await observer.look(false);
    expect(observer.restMayFollow).toBe(false);
    expect(files.map((file) => (standing(file) as RemoteFile).etag)).toEqual(['1', '1']);
  });
});
