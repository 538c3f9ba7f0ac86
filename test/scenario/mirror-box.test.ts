import { writeFile } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { remoteId } from '../../src/ids.ts';
import type { RemoteFile, RemoteFolder } from '../../src/sync/tree/entry.ts';
import { sourceOf } from '../contract/remote-store/source.ts';
import { EmulatedMirrors } from '../support/emulated-mirrors.ts';
import { eventually } from '../support/eventually.ts';
import type { Mirror } from '../support/mirror.ts';
import { quickClock } from '../support/quick-clock.ts';

const FILES = ['a.txt', 'b.txt', 'c.txt', 'd.txt', 'e.txt'];

/** What Box does to a mirror, over the adapter and the emulated Box. */
describe('a mirror over Box', () => {
  let world: EmulatedMirrors;
  let folder: RemoteFolder;
  let ada: Mirror;

  beforeAll(async () => {
    world = await EmulatedMirrors.open();
  });
  afterAll(() => world.close());
  beforeEach(async () => {
    folder = await world.begin();
    ada = await world.mirror('ada');
  });
  afterEach(async () => {
    await world.end();
    await world.box.settings({ eventDelayMs: 0, clockOffsetMs: 0 });
  });

  const status = () => ada.engine.status();
  const onDisk = async () => Object.keys(await ada.snapshot());
  const inSync = () => eventually(() => expect(status().state).toBe('in-sync'));

  async function collaboration(): Promise<string> {
    const found = await world.box.admin('GET', `/2.0/folders/${folder.id}/collaborations`);
    return (found['entries'] as readonly { id: string }[])[0]?.id ?? '';
  }

  async function file(name: string): Promise<RemoteFile> {
    const found = (await world.web.list(folder.id))?.find((entry) => entry.name === name);
    if (found?.kind !== 'file') throw new Error(`${name} is not in Box`);
    return found;
  }

  const awayAs: Readonly<Record<string, () => Promise<unknown>>> = {
    trashed: () => world.box.admin('DELETE', `/2.0/folders/${folder.id}?recursive=true`),
    unshared: async () => world.box.admin('DELETE', `/2.0/collaborations/${await collaboration()}`),
  };

  for (const how of ['trashed', 'unshared'])
    it(`whose folder is ${how} right after changes in it loses nothing on the disk, and says so`, async () => {
      await world.put(...FILES);
      await ada.start();
      await world.box.settings({ eventDelayMs: 400 });
      for (const name of ['a.txt', 'b.txt'])
        await world.web.uploadVersion({ ...(await file(name)), source: sourceOf(`${name} anew`) });
      await world.web.relocate({ ...(await file('c.txt')), parentId: folder.id, name: 'renamed.txt' });
      await awayAs[how]?.();
      await eventually(() => expect(status().state).toBe('access-lost'));
      expect(status().trouble).toMatch(how === 'trashed' ? /trash/ : /not visible/);
      expect(await onDisk()).toHaveLength(FILES.length);
    });

  it('whose folder is moved to where this account sees nothing loses nothing on the disk', async () => {
    await world.put(...FILES);
    const outside = await world.box.admin('POST', '/2.0/folders', { name: 'run', parent: { id: folder.id } });
    const inner = remoteId(String(outside['id']));
    const run = await world.web.get(inner, 'folder');
    if (run?.kind !== 'folder') throw new Error('the run folder is not visible');
    const site = await world.mirror('ben', {}, run);
    await world.web.upload({ parentId: inner, name: 'kept.txt', source: sourceOf('kept') });
    await site.start();
    await world.box.settings({ eventDelayMs: 400 });
    const before = (await world.web.list(inner))?.[0];
    if (before?.kind !== 'file') throw new Error('the file is not in Box');
    await world.web.relocate({ ...before, parentId: inner, name: 'renamed.txt' });
    await world.box.admin('PUT', `/2.0/folders/${inner}`, { parent: { id: '0' } });
    await eventually(() => expect(site.engine.status().state).toBe('access-lost'));
    expect(Object.values(await site.snapshot())).toEqual(['kept']);
  });

  it('without the realtime servers sees changes on a timer, says so, and asks seldom', async () => {
    await world.box.fault({ path: '/subscribe' }, { kind: 'drop_before' });
    const clock = quickClock(20);
    const site = await world.mirror('ben', { clock });
    await site.start({ clock });
    await world.box.resetStats();
    await world.put('late.txt');
    await eventually(async () => expect(await site.snapshot()).toHaveProperty(['late.txt']));
    await eventually(() =>
      expect(site.engine.status().notices.join()).toMatch(/looking every \d+ s instead/),
    );
    const { by_endpoint } = (await world.box.stats()).calls;
    expect(by_endpoint['OPTIONS /2.0/events'] ?? 0).toBeLessThan(6);
  });

  it('while Box is out of reach asks it once after a growing wait, however much waits', async () => {
    const clock = quickClock(20);
    const site = await world.mirror('ben', { clock });
    await site.start({ clock });
    await world.box.fault({}, { kind: 'status', status: 503 });
    for (let at = 0; at < 60; at += 1) await writeFile(site.path(`waits-${at}.txt`), `waits ${at}`);
    await eventually(() => expect(site.engine.status().state).toBe('offline'));
    await world.box.resetStats();
    const endMs = clock.monotonic() + 60_000;
    await eventually(() => expect(clock.monotonic()).toBeGreaterThan(endMs));
    expect(await world.calls()).toBeLessThan(60);
    await world.box.clearFaults();
    await eventually(async () => expect(await world.names()).toHaveLength(60));
  });

  it('names what waits, and goes on at once when the role is raised again', async () => {
    await ada.start();
    const path = `/2.0/collaborations/${await collaboration()}`;
    await world.box.admin('PUT', path, { role: 'viewer' });
    await writeFile(ada.path('one.txt'), '1');
    await writeFile(ada.path('two.txt'), '2');
    await eventually(() =>
      expect(
        status()
          .waiting.map((entry) => entry.path)
          .sort(),
      ).toEqual(['one.txt', 'two.txt']),
    );
    await world.box.admin('PUT', path, { role: 'editor' });
    await eventually(async () => expect(await world.names()).toEqual(['one.txt', 'two.txt']));
    await inSync();
    expect(status()).toMatchObject({ waiting: [], trouble: null });
  });

  it('takes an emulated Box that was started anew for another one: what one side lacks comes from the other', async () => {
    const first = await EmulatedMirrors.open({ seed: 8 });
    const second = await EmulatedMirrors.open({ seed: 9 });
    try {
      await first.begin();
      await first.put(...FILES);
      const site = await first.mirror('ada');
      await site.start();
      await site.stop();
      const there = await second.begin();
      await second.put('new.txt');
      site.moveTo(await second.box.openAs('ada'), there);
      await site.start();
      await eventually(async () => expect(await second.names()).toEqual([...FILES, 'new.txt']));
      expect(Object.keys(await site.snapshot())).toEqual([...FILES, 'new.txt']);
    } finally {
      await first.close();
      await second.close();
    }
  });

  // The last one: it ends the administrator's token as well.
  it('gets tokens again once a clock that was wrong is set right', async () => {
    await world.box.settings({ clockOffsetMs: 5 * 3_600_000 });
    const site = await world.mirror('ben');
    await site.start();
    await world.box.settings({ clockOffsetMs: 0 });
    await fetch(`${world.box.url}/_emulator/tokens/expire`, { method: 'POST' });
    await writeFile(site.path('after.txt'), 'the clock is right again');
    await eventually(async () => expect(await world.names()).toEqual(['after.txt']));
    await eventually(() => expect(site.engine.status().state).toBe('in-sync'));
  });
});
