import { beforeEach, describe, expect, it } from 'vitest';
import { CorruptError, TransientError } from '../../../../src/errors.ts';
import type { MemoryFault } from '../../../../src/sync/remote/memory-faults.ts';
import { MemoryStore } from '../../../../src/sync/remote/memory-store.ts';
import { MEMORY_ROOT, MemoryWorld } from '../../../../src/sync/remote/memory-world.ts';
import type { ChangeHint } from '../../../../src/sync/remote/remote-store.ts';
import { bytesOf, sourceOf } from '../../../contract/remote-store/source.ts';
import { FakeClock } from '../box/fake-clock.ts';

const error = new TransientError({ code: 'network', message: 'down', effectUnknown: true });

describe('MemoryStore', () => {
  let clock: FakeClock;
  let world: MemoryWorld;
  let fault: MemoryFault | undefined;
  let store: MemoryStore;
  let other: MemoryStore;

  beforeEach(() => {
    clock = new FakeClock();
    world = new MemoryWorld(() => clock.now());
    fault = undefined;
    store = new MemoryStore({ clock, world, user: { id: '1', name: 'one' }, fault: () => fault });
    other = new MemoryStore({ clock, world, user: { id: '2', name: 'two' } });
  });
  const put = (name: string, content: string) =>
    other.upload({ parentId: MEMORY_ROOT, name, source: sourceOf(content) });

  it('gives the same ids, etags and events for the same calls', async () => {
    const run = async () => {
      const fresh = new MemoryStore({ clock: new FakeClock(), user: { id: '1', name: 'one' } });
      const folder = await fresh.createFolder(MEMORY_ROOT, 'f');
      const file = await fresh.upload({ parentId: folder.id, name: 'a', source: sourceOf('a') });
      await fresh.relocate({ ...file, parentId: MEMORY_ROOT, name: 'b' });
      return { all: fresh.world.all(), page: await fresh.changes('0') };
    };
    expect(await run()).toEqual(await run());
  });

  it('fails without an effect, or with one whose answer is lost', async () => {
    fault = { kind: 'fail', error };
    await expect(store.createFolder(MEMORY_ROOT, 'a')).rejects.toBe(error);
    fault = { kind: 'lose-answer', error };
    await expect(store.createFolder(MEMORY_ROOT, 'b')).rejects.toBe(error);
    expect((await other.list(MEMORY_ROOT))?.map(({ name }) => name)).toEqual(['b']);
  });

  it('breaks a download off, or changes a byte of it', async () => {
    const file = await put('d', 'abcdef');
    fault = { kind: 'break', afterBytes: 3, error };
    await expect(bytesOf(await store.download(file))).rejects.toBe(error);
    fault = { kind: 'corrupt', atByte: 2 };
    expect((await bytesOf(await store.download(file))).toString()).not.toBe('abcdef');
    const checked = store.download({ ...file, expected: file.content });
    await expect(checked.then(bytesOf)).rejects.toBeInstanceOf(CorruptError);
  });

  it('delays a call by the injected clock, until its caller gives up', async () => {
    fault = { kind: 'delay', delayMs: 1_000 };
    let done = false;
    const call = store.list(MEMORY_ROOT).then(() => {
      done = true;
    });
    await clock.advance(999);
    expect(done).toBe(false);
    await clock.advance(1);
    await call;
    const giveUp = new AbortController();
    const abandoned = store.list(MEMORY_ROOT, giveUp.signal);
    giveUp.abort();
    await expect(abandoned).rejects.toMatchObject({ name: 'AbortError' });
  });

  it('tells of events late, and wakes a waiting caller then', async () => {
    const late = new MemoryStore({ clock, world, user: { id: '3', name: 'three' }, eventDelayMs: 500 });
    const position = await late.position();
    let woken = false;
    const waiting = late.waitForChange(position, new AbortController().signal).then(() => {
      woken = true;
    });
    await put('news', 'x');
    await clock.advance(499);
    expect(woken).toBe(false);
    expect((await late.changes(position)).hints).toEqual([]);
    await clock.advance(1);
    await waiting;
    expect((await late.changes(position)).hints).toHaveLength(1);
  });

  it('duplicates, reorders and loses what the feed tells', async () => {
    const disturbHints = (hints: readonly ChangeHint[]) => [...hints.toReversed(), ...hints.slice(0, 1)];
    const odd = new MemoryStore({ clock, world, user: { id: '3', name: 'three' }, disturbHints });
    const files = [await put('a', 'a'), await put('b', 'b')];
    const { hints } = await odd.changes('0');
    expect(hints.map(({ itemId }) => itemId)).toEqual([files[1]?.id, files[0]?.id, files[0]?.id]);
  });

  it('tells of a gap when the events are forgotten', async () => {
    const position = await store.position();
    await put('a', 'a');
    world.forgetEvents();
    await store.waitForChange(position, AbortSignal.timeout(1_000));
    const page = await store.changes(position);
    expect(page).toMatchObject({ gap: true, hints: [] });
    expect((await store.changes(page.position)).gap).toBe(false);
  });

  it('withdraws access without deleting anything', async () => {
    const file = await put('a', 'a');
    const position = await store.position();
    world.shutOut('1');
    expect(await store.list(MEMORY_ROOT)).toEqual([]);
    expect(await store.get(file.id, 'file')).toBeUndefined();
    expect(await other.get(file.id, 'file')).toEqual(file);
    expect((await store.changes(position)).hints).toMatchObject([{ accessChanged: true, itemId: null }]);
    world.letIn('1');
    expect(await store.get(file.id, 'file')).toEqual(file);
  });

  it('calls an item trashed with a folder above it, and hidden for who is shut out', async () => {
    const folder = await other.createFolder(MEMORY_ROOT, 'f');
    const file = await other.upload({ parentId: folder.id, name: 'a', source: sourceOf('a') });
    await other.remove(folder);
    expect(await store.visibility(file.id, 'file')).toBe('trashed');
    expect(await store.visibility(file.id, 'folder')).toBe('hidden');
    world.shutOut('1');
    expect(await store.visibility(folder.id, 'folder')).toBe('hidden');
    expect(await store.visibility(MEMORY_ROOT, 'folder')).toBe('visible');
  });

  it('ends the waiting when it is closed', async () => {
    const waiting = store.waitForChange(await store.position(), new AbortController().signal);
    await store.close();
    await store.close();
    await waiting;
  });
});
