import { mkdir, readdir, rename, rm, unlink, writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { LANE_WINDOW } from '../../src/sync/engine/lanes.ts';
import type { MemoryCall } from '../../src/sync/remote/memory-faults.ts';
import { MemoryStore } from '../../src/sync/remote/memory-store.ts';
import { MEMORY_ROOT, MemoryWorld } from '../../src/sync/remote/memory-world.ts';
import type { RemoteFolder } from '../../src/sync/tree/entry.ts';
import { eventually } from '../support/eventually.ts';
import { Mirror } from '../support/mirror.ts';

describe('two mirrors of one folder', () => {
  const calls: MemoryCall[] = [];
  let ada: Mirror;
  let ben: Mirror;
  let folder: RemoteFolder;

  beforeEach(async () => {
    calls.length = 0;
    const world = new MemoryWorld(() => Date.now());
    const storeFor = (id: string) =>
      new MemoryStore({
        clock: systemClock(),
        user: { id, name: `user ${id}` },
        world,
        fault: (call) => {
          calls.push(call);
          return undefined;
        },
      });
    const first = storeFor('11');
    folder = await first.createFolder(MEMORY_ROOT, 'shared');
    ada = await Mirror.create(first, folder);
    ben = await Mirror.create(storeFor('22'), folder);
  });

  afterEach(async () => {
    await ada.destroy();
    await ben.destroy();
  });

  const inBox = async (name: string) =>
    (await ada.store.list(folder.id))?.find((entry) => entry.name === name);

  const agree = (expected: Record<string, string>) =>
    eventually(async () => {
      expect(await ada.snapshot()).toEqual(expected);
      expect(await ben.snapshot()).toEqual(expected);
      expect([ada.engine.status().state, ben.engine.status().state]).toEqual(['in-sync', 'in-sync']);
    });

  it('carries new files and folders over, empty ones too', async () => {
    await ada.start();
    await ben.start();
    await mkdir(ada.path('run', 'heartbeats'), { recursive: true });
    await writeFile(ada.path('run', 'cfg.json'), '{}');
    await writeFile(ada.path('run', 'empty.txt'), '');
    await agree({ 'run/': '', 'run/cfg.json': '{}', 'run/empty.txt': '', 'run/heartbeats/': '' });
  });

  it('carries edits and deletions over', async () => {
    await ada.start();
    await ben.start();
    await writeFile(ada.path('a.txt'), 'one');
    await writeFile(ada.path('b.txt'), 'two');
    await agree({ 'a.txt': 'one', 'b.txt': 'two' });
    await writeFile(ben.path('a.txt'), 'one, changed');
    await unlink(ben.path('b.txt'));
    await agree({ 'a.txt': 'one, changed' });
  });

  it('carries more files than are handed out at once, and a deletion of almost half of them', async () => {
    const many = LANE_WINDOW + 100;
    const fewer = many / 2 - 10;
    await ada.start();
    await ben.start();
    const all: Record<string, string> = {};
    for (let at = 0; at < many; at += 1) all[`${String(at).padStart(5, '0')}.txt`] = `${at}`;
    for (const [name, text] of Object.entries(all)) await writeFile(ada.path(name), text);
    const arrived = async (count: number) => expect(await readdir(ben.root.path)).toHaveLength(count);
    await eventually(() => arrived(many), 60_000);
    expect(await ben.snapshot()).toEqual(all);
    const kept = Object.fromEntries(Object.entries(all).slice(fewer));
    for (const name of Object.keys(all).slice(0, fewer)) await unlink(ada.path(name));
    await eventually(async () => {
      expect(ada.engine.status().held).toBeNull();
      expect(ben.engine.status().held).toBeNull();
      await arrived(many - fewer);
    }, 60_000);
    expect(await ben.snapshot()).toEqual(kept);
  }, 120_000);

  it('renames and moves without sending content again', async () => {
    await ada.start();
    await ben.start();
    await mkdir(ada.path('old'));
    await writeFile(ada.path('old', 'a.txt'), 'content');
    await agree({ 'old/': '', 'old/a.txt': 'content' });
    calls.length = 0;
    await rename(ada.path('old'), ada.path('new'));
    await agree({ 'new/': '', 'new/a.txt': 'content' });
    await rename(ben.path('new', 'a.txt'), ben.path('b.txt'));
    await agree({ 'new/': '', 'b.txt': 'content' });
    const names = calls.map((call) => call.operation);
    expect(
      names.filter((name) => name === 'upload' || name === 'uploadVersion' || name === 'download'),
    ).toEqual([]);
    expect(names.filter((name) => name === 'relocate')).toHaveLength(2);
  });

  it('trades two names', async () => {
    await ada.start();
    await ben.start();
    await writeFile(ada.path('a.txt'), 'first');
    await writeFile(ada.path('b.txt'), 'second');
    await agree({ 'a.txt': 'first', 'b.txt': 'second' });
    await ada.stop();
    await rename(ada.path('a.txt'), ada.path('c.txt'));
    await rename(ada.path('b.txt'), ada.path('a.txt'));
    await rename(ada.path('c.txt'), ada.path('b.txt'));
    await ada.start();
    await agree({ 'a.txt': 'second', 'b.txt': 'first' });
  });

  it('keeps the name for Box and the other content aside when both sides edited', async () => {
    await ada.start();
    await ben.start();
    await writeFile(ada.path('a.txt'), 'base');
    await agree({ 'a.txt': 'base' });
    await ben.stop();
    await writeFile(ada.path('a.txt'), "ada's");
    await eventually(async () =>
      expect(await inBox('a.txt')).toMatchObject({ content: { sizeBytes: 5 }, etag: '1' }),
    );
    await writeFile(ben.path('a.txt'), "ben's");
    await ben.start();
    await eventually(async () => expect((await ben.snapshot())['a.txt']).toMatch(/ada's|ben's/));
    await agree({ 'a.txt': (await ada.snapshot())['a.txt'] ?? '' });
    const kept = ben.index.conflicts();
    expect(kept.map(({ path, reason }) => ({ path, reason }))).toEqual([
      { path: 'a.txt', reason: 'edited-on-both-sides' },
    ]);
  });

  it('lets an edit win over a deletion', async () => {
    await ada.start();
    await ben.start();
    await writeFile(ada.path('a.txt'), 'base');
    await agree({ 'a.txt': 'base' });
    await ben.stop();
    await unlink(ada.path('a.txt'));
    await eventually(() => expect(ada.engine.status().entries).toEqual({ remote: 1, local: 1, synced: 1 }));
    await writeFile(ben.path('a.txt'), 'edited meanwhile');
    await ben.start();
    await agree({ 'a.txt': 'edited meanwhile' });
  });

  it('deletes a folder with one call', async () => {
    await ada.start();
    await ben.start();
    await mkdir(ada.path('run'));
    for (let index = 0; index < 12; index += 1) await writeFile(ada.path('run', `${index}.txt`), `${index}`);
    // What stays is more than what goes: else a person would be asked.
    const stays = Object.fromEntries(Array.from({ length: 14 }, (_, index) => [`stays-${index}`, 'content']));
    for (const [name, content] of Object.entries(stays)) await writeFile(ada.path(name), content);
    await eventually(async () => expect(Object.keys(await ben.snapshot())).toHaveLength(27));
    calls.length = 0;
    await rm(ada.path('run'), { recursive: true });
    await agree(stays);
    expect(calls.filter((call) => call.operation === 'remove')).toHaveLength(1);
  });

  it('holds a mass deletion for a person, and lets the rest go on', async () => {
    await ada.start();
    await ben.start();
    for (let index = 0; index < 8; index += 1) await writeFile(ada.path(`${index}.txt`), `${index}`);
    await eventually(async () => expect(Object.keys(await ben.snapshot())).toHaveLength(8));
    await ada.stop();
    for (let index = 0; index < 8; index += 1) await unlink(ada.path(`${index}.txt`));
    await writeFile(ada.path('new.txt'), 'new');
    await ada.start({ deletionsMax: 3 });
    await eventually(async () => expect((await ben.snapshot())['new.txt']).toBe('new'));
    expect(Object.keys(await ben.snapshot())).toHaveLength(9);
    expect(ada.engine.status().held).toEqual({ count: 8, limit: 3 });
  });

  it('finds everything agreed after the index was lost, and transfers nothing', async () => {
    await ada.start();
    await ben.start();
    await mkdir(ada.path('run'));
    await writeFile(ada.path('run', 'a.txt'), 'content');
    await agree({ 'run/': '', 'run/a.txt': 'content' });
    await ben.stop();
    await rm(ben.indexPath, { force: true });
    await rm(`${ben.indexPath}-wal`, { force: true });
    calls.length = 0;
    await ben.start();
    await agree({ 'run/': '', 'run/a.txt': 'content' });
    const writes = ['upload', 'uploadVersion', 'download', 'remove', 'relocate', 'createFolder'];
    expect(calls.map((call) => call.operation).filter((name) => writes.includes(name))).toEqual([]);
  });

  it('deletes nothing in Box when the mirrored folder itself disappears, and goes on when it is back', async () => {
    await ada.start();
    await ben.start();
    await writeFile(ada.path('a.txt'), 'content');
    await agree({ 'a.txt': 'content' });
    const away = `${ada.path()}-away`;
    await rename(ada.path(), away);
    await eventually(() => expect(ada.engine.status().state).toBe('root-missing'));
    expect(await inBox('a.txt')).toBeDefined();
    await rename(away, ada.path());
    await writeFile(ben.path('b.txt'), 'more');
    await agree({ 'a.txt': 'content', 'b.txt': 'more' });
  });

  it('makes no call at rest', async () => {
    await ada.start();
    await writeFile(ada.path('a.txt'), 'content');
    await eventually(async () => expect(calls.some((call) => call.operation === 'upload')).toBe(true));
    await eventually(() => expect(ada.engine.status().state).toBe('in-sync'));
    const waiting = () => calls.filter((call) => call.operation !== 'waitForChange').length;
    const before = waiting();
    await eventually(() => expect(ada.engine.status().state).toBe('in-sync'));
    expect(waiting()).toBe(before);
  });
});
