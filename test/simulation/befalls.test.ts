import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { beforeEach, describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/random.ts';
import { MemoryStore } from '../../src/sync/remote/memory-store.ts';
import { MEMORY_ROOT, MemoryWorld } from '../../src/sync/remote/memory-world.ts';
import type { RemoteFile, RemoteFolder } from '../../src/sync/tree/entry.ts';
import { Oracle } from './oracle.ts';
import { SimClock } from './sim-clock.ts';
import type { DiskNode } from './sim-disk.ts';
import { CALM, MIRROR, Site, STATE } from './site.ts';
import { Trace } from './trace.ts';

const FOR_EVER = Number.POSITIVE_INFINITY;

/** What befalls a mount from outside, each as a story: the table of docs/mount.md names them. */
describe('what befalls a mirror', () => {
  let clock: SimClock;
  let oracle: Oracle;
  let world: MemoryWorld;
  let web: MemoryStore;
  let folder: RemoteFolder;
  let site: Site;
  let other: Site;

  beforeEach(async () => {
    clock = new SimClock();
    oracle = new Oracle();
    world = new MemoryWorld(() => clock.now());
    web = new MemoryStore({ clock, world, user: { id: 'web', name: 'web' } });
    folder = await web.createFolder(MEMORY_ROOT, 'shared');
    const trace = new Trace(() => clock.monotonic(), false);
    const sites: Site[] = [];
    const common = { clock, random: seededRandom(1), world, folder, oracle, trace, sites };
    site = new Site({ ...common, name: 's1' });
    other = new Site({ ...common, name: 's2' });
    sites.push(site, other);
  });

  const run = (ms: number) => clock.runUntil(clock.monotonic() + ms);
  const status = (of = site) => of.engine?.status();
  const sourceOf = (text: string) => {
    const bytes = Buffer.from(text);
    oracle.finishes(undefined, text);
    return {
      sizeBytes: bytes.byteLength,
      sha1: createHash('sha1').update(bytes).digest('hex'),
      modifiedAtMs: clock.now(),
      open: () => Readable.from([bytes], { objectMode: false }),
    };
  };
  const put = (name: string, text = `content of ${name}`, parentId = folder.id) =>
    web.upload({ parentId, name, source: sourceOf(text) });
  const write = (name: string, text: string, at = site): DiskNode => {
    const path = `${MIRROR}/${name}`;
    const node = at.disk.create(path, true);
    at.disk.write(node, Buffer.from(text), 'program', path);
    oracle.finishes(undefined, text);
    return node;
  };
  const inBox = async (id = folder.id) => (await web.list(id))?.map(({ name }) => name).sort();
  const onDisk = (of = site) => [...of.disk.walk(MIRROR)].map(([path]) => path.slice(MIRROR.length + 1));
  const contents = (id: RemoteFile['id']) =>
    world
      .all()
      .find((item) => item.id === id)
      ?.versions.map(({ bytes }) => Buffer.from(bytes).toString());
  const NAMES = ['a.txt', 'b.txt', 'c.txt', 'd.pt', 'e.pt', 'f.txt'];

  /** Both sites mirror six files. */
  async function settled(): Promise<RemoteFile[]> {
    const files: RemoteFile[] = [];
    for (const name of NAMES) files.push(await put(name));
    site.start(FOR_EVER);
    other.start(FOR_EVER);
    await run(20_000);
    expect([status()?.state, status(other)?.state]).toEqual(['in-sync', 'in-sync']);
    return files;
  }

  async function nothingIsGone(): Promise<void> {
    expect(oracle.faults).toEqual([]);
    expect(await inBox()).toEqual(NAMES);
    expect(onDisk(other)).toEqual(NAMES);
  }

  it('an empty folder in the place of the mirrored one deletes nothing, and the former one goes on when it is back', async () => {
    await settled();
    const former = site.disk.detach(MIRROR);
    site.disk.makeFolder(MIRROR);
    await run(60_000);
    expect(status()).toMatchObject({ state: 'root-replaced' });
    await nothingIsGone();
    site.disk.detach(MIRROR);
    site.disk.attach(MIRROR, former);
    await run(20_000);
    expect(status()?.state).toBe('in-sync');
    expect(onDisk()).toEqual(NAMES);
    await nothingIsGone();
  });

  it('a disk that is unmounted is waited for, also after somebody made the missing folder', async () => {
    await settled();
    const former = site.disk.detach(MIRROR);
    await run(30_000);
    expect(status()?.state).toBe('root-missing');
    site.disk.makeFolder(MIRROR);
    write('job.txt', 'a job began to write');
    await run(60_000);
    expect(status()?.state).toBe('root-replaced');
    await nothingIsGone();
    site.disk.detach(MIRROR);
    site.disk.attach(MIRROR, former);
    await run(20_000);
    await nothingIsGone();
  });

  it('another folder at the next start is taken as somebody mounted it: nothing is deleted, what is missing comes', async () => {
    await settled();
    site.kill();
    site.disk.detach(MIRROR);
    site.disk.makeFolder(MIRROR);
    write('new.txt', 'new here');
    site.start(FOR_EVER);
    await run(30_000);
    expect(status()?.state).toBe('in-sync');
    expect(status()?.notices.join()).toContain('another directory');
    expect(onDisk()).toEqual([...NAMES, 'new.txt']);
    expect(await inBox()).toEqual([...NAMES, 'new.txt']);
    expect(oracle.faults).toEqual([]);
  });

  it('a mirror that an index without room could not remember at first is remembered as soon as there is room', async () => {
    for (const name of NAMES) await put(name);
    site.troubles.indexFull = true;
    site.start(FOR_EVER);
    await run(10_000);
    site.troubles.indexFull = false;
    await run(60_000);
    expect(status()?.state).toBe('in-sync');
    site.kill();
    site.disk.detach(MIRROR);
    site.disk.makeFolder(MIRROR);
    site.start(FOR_EVER);
    await run(60_000);
    expect(onDisk()).toEqual(NAMES);
    expect(await inBox()).toEqual(NAMES);
    expect(oracle.faults).toEqual([]);
  });

  it('a disk that comes back under another number is the same one: nothing is read again', async () => {
    await settled();
    site.kill();
    site.disk.device += 7;
    site.calls = [];
    site.start(FOR_EVER);
    await run(20_000);
    expect(status()?.state).toBe('in-sync');
    expect(status()?.notices).toEqual([]);
    expect(site.calls.filter((call) => call !== 'changes' && call !== 'list' && call !== 'get')).toEqual([]);
    await nothingIsGone();
  });

  it("without the engine's own folder beside the mirror nothing is planned", async () => {
    await settled();
    for (const [path, node] of [...site.disk.walk(STATE)].reverse())
      if (node.kind === 'file') site.disk.removeFile(path);
      else site.disk.removeFolder(path);
    site.disk.removeFolder(STATE);
    for (const name of NAMES) site.disk.removeFile(`${MIRROR}/${name}`);
    await run(60_000);
    expect(status()?.state).toBe('root-replaced');
    await nothingIsGone();
  });

  it('a mirror that is emptied is held however small it is, and comes back when a person says so', async () => {
    await settled();
    for (const name of NAMES) site.disk.removeFile(`${MIRROR}/${name}`);
    await run(60_000);
    expect(status()).toMatchObject({ state: 'root-emptied', held: { count: 6, limit: 3 } });
    await nothingIsGone();
    site.kill();
    site.start(FOR_EVER, 'bring-back');
    await run(30_000);
    expect(onDisk()).toEqual(NAMES);
    await nothingIsGone();
  });

  it('the same at a start, and it goes through when a person says so', async () => {
    await settled();
    site.kill();
    for (const name of NAMES) site.disk.removeFile(`${MIRROR}/${name}`);
    for (const name of NAMES) oracle.discards(`content of ${name}`);
    site.start(FOR_EVER);
    await run(60_000);
    expect(status()?.state).toBe('root-emptied');
    expect(await inBox()).toEqual(NAMES);
    site.kill();
    site.start(FOR_EVER, 'let-through');
    await run(30_000);
    expect(await inBox()).toEqual([]);
    // The other site is asked as well.
    expect(status(other)).toMatchObject({ state: 'root-emptied' });
    expect(onDisk(other)).toEqual(NAMES);
    expect(oracle.faults).toEqual([]);
  });

  it('most of a mirror, deleted at once, waits for a person, and the rest goes on', async () => {
    await settled();
    for (const name of NAMES.slice(0, 4)) site.disk.removeFile(`${MIRROR}/${name}`);
    write('beat.txt', 'still alive');
    await run(30_000);
    expect(status()?.held).toEqual({ count: 4, limit: 3 });
    expect(await inBox()).toEqual(['a.txt', 'b.txt', 'beat.txt', 'c.txt', 'd.pt', 'e.pt', 'f.txt']);
    expect(oracle.faults).toEqual([]);
  });

  /** A folder of the mirror whose disk is away: the bare mount point stands in its place. */
  const unmountBelow = async () => {
    const below = await web.createFolder(folder.id, 'below');
    await put('g.txt', 'g', below.id);
    await settled();
    const path = `${MIRROR}/below`;
    const former = site.disk.detach(path);
    const bare = site.disk.bareFolder();
    bare.device = 99;
    site.disk.attach(path, bare);
    return { below, path, former, bare };
  };

  it('another disk on a folder of the mirror deletes nothing, and receives nothing', async () => {
    const { below, path, former, bare } = await unmountBelow();
    await put('h.txt', 'h', below.id);
    await run(60_000);
    expect(status()?.problems).toMatchObject([{ path: 'below', reason: 'another-disk' }]);
    expect(await inBox(below.id)).toEqual(['g.txt', 'h.txt']);
    expect(bare.entries.size).toBe(0);
    site.disk.detach(path);
    site.disk.attach(path, former);
    await run(60_000);
    expect(status()?.problems).toEqual([]);
    expect(onDisk()).toContain('below/h.txt');
    expect(oracle.faults).toEqual([]);
  });

  for (const [how, takeAway] of [
    ['removed', (path: string) => site.disk.removeFolder(path)],
    ['moved away', (path: string) => site.disk.rename(path, `${MIRROR}/elsewhere`)],
  ] as const)
    it(`a mount point below that is ${how} while its disk is away deletes nothing`, async () => {
      const { below, path, former } = await unmountBelow();
      await run(60_000);
      takeAway(path);
      await run(180_000);
      expect(status()?.problems).toMatchObject([{ path: 'below', reason: 'another-disk' }]);
      expect(await inBox(below.id)).toEqual(['g.txt']);
      site.disk.attach(path, former);
      await run(60_000);
      expect(status()?.problems).toEqual([]);
      expect(await inBox(below.id)).toEqual(['g.txt']);
      expect(oracle.faults).toEqual([]);
    });

  for (const [how, hide, show] of [
    ['trashed', () => trash(true), () => trash(false)],
    ['unshared', () => world.shutOut('s1'), () => world.letIn('s1')],
  ] as const)
    it(`a folder that is ${how} right after changes in it takes nothing from the disk, and goes on when it is back`, async () => {
      const [first, second, third] = (await settled()) as [RemoteFile, RemoteFile, RemoteFile];
      await web.uploadVersion({ ...first, source: sourceOf('two') });
      await web.uploadVersion({ ...second, source: sourceOf('two of b') });
      await web.relocate({ ...third, parentId: folder.id, name: 'renamed.txt' });
      hide();
      await run(60_000);
      expect(status()?.state).toBe('access-lost');
      expect(status()?.trouble).toMatch(how === 'trashed' ? /trash/ : /not visible/);
      expect(onDisk()).toHaveLength(6);
      show();
      await run(180_000);
      expect(status()?.state).toBe('in-sync');
      expect(onDisk()).toEqual(['a.txt', 'b.txt', 'd.pt', 'e.pt', 'f.txt', 'renamed.txt']);
      expect(oracle.faults).toEqual([]);
    });

  function trash(trashed: boolean): void {
    const item = world.all().find(({ id }) => id === folder.id);
    if (item === undefined) return;
    item.trashed = trashed;
    world.touch(item);
  }

  it('a trashed folder is told at once, though nothing else happens', async () => {
    await settled();
    trash(true);
    await run(5_000);
    expect(status()?.state).toBe('access-lost');
    await run(600_000);
    expect(onDisk()).toEqual(NAMES);
  });

  it('what was deleted here while the folder was out of sight is not believed to be gone in Box', async () => {
    const [first] = await settled();
    trash(true);
    site.disk.removeFile(`${MIRROR}/a.txt`);
    oracle.discards('content of a.txt');
    await run(1_000);
    site.kill();
    trash(false);
    site.start(FOR_EVER);
    await run(180_000);
    expect(status()?.state).toBe('in-sync');
    expect(onDisk().includes('a.txt')).toBe((await web.get(first?.id ?? folder.id, 'file')) !== undefined);
  });

  it('a folder that was filled by another site meanwhile is not deleted with it', async () => {
    const below = await web.createFolder(folder.id, 'below');
    await settled();
    site.troubles.realtimeBlocked = true;
    await put('late.txt', 'written when the other deleted', below.id);
    site.disk.removeFolder(`${MIRROR}/below`);
    await run(120_000);
    expect(await inBox(below.id)).toEqual(['late.txt']);
    expect(onDisk()).toContain('below/late.txt');
    expect(oracle.faults).toEqual([]);
  });

  it('a listing that leaves out what is there deletes nothing', async () => {
    await settled();
    site.troubles.listingsLie = true;
    for (let times = 0; times < 20; times += 1) {
      site.engine?.syncNow();
      await run(10_000);
    }
    site.troubles.listingsLie = false;
    site.engine?.syncNow();
    await run(20_000);
    expect(onDisk()).toEqual(NAMES);
    await nothingIsGone();
  });

  it('without the realtime servers changes are read on a timer, which is told, and waiting is tried ever more rarely', async () => {
    await settled();
    site.troubles.realtimeBlocked = true;
    // A wait that stands ends with the next sign.
    await put('early.txt', 'early');
    await run(120_000);
    site.calls = [];
    await put('late.txt', 'late');
    await run(61_000);
    expect(onDisk()).toContain('late.txt');
    expect(status()?.state).toBe('in-sync');
    expect(status()?.notices.join()).toMatch(/blocked; looking every \d+ s instead/);
    await run(3_600_000);
    expect(site.calls.length).toBeLessThan(200);
    site.troubles.realtimeBlocked = false;
    await run(11 * 60_000);
    await put('soon.txt', 'soon');
    await run(10_000);
    expect(status()?.notices).toEqual([]);
    expect(onDisk()).toContain('soon.txt');
  });

  it('while Box is out of reach one look after a growing wait is all that is asked of it', async () => {
    await settled();
    for (let count = 0; count < 60; count += 1) write(`waiting-${count}.txt`, `waits ${count}`);
    site.weather = { ...CALM, callFails: 1 };
    await run(60_000);
    expect(status()?.state).toBe('offline');
    site.calls = [];
    await run(20 * 60_000);
    expect(site.calls.length).toBeLessThan(30);
    site.weather = CALM;
    await run(75_000);
    expect(status()?.state).toBe('in-sync');
    expect((await inBox())?.length).toBe(66);
  });

  it('what a role refused goes on as soon as the role is raised, and is named until then', async () => {
    await settled();
    site.troubles.mayNotWrite = true;
    write('a.txt', 'edited here');
    write('g.txt', 'new here');
    await run(20_000);
    expect(status()?.state).toBe('waiting');
    expect(
      status()
        ?.waiting.map(({ path }) => path)
        .sort(),
    ).toEqual(['a.txt', 'g.txt']);
    site.troubles.mayNotWrite = false;
    world.letIn('s1');
    await run(5_000);
    expect(status()).toMatchObject({ state: 'in-sync', waiting: [], trouble: null });
  });

  it('a disk whose clock lags publishes no half checkpoint', async () => {
    await settled();
    site.clocks.diskOffsetMs = -10_000;
    site.clocks.processOffsetMs = 5 * 3_600_000;
    const path = `${MIRROR}/model.bin`;
    const node = site.disk.create(path, true);
    for (let piece = 1; piece <= 20; piece += 1) {
      site.disk.write(node, Buffer.alloc(piece * 70_000, piece), 'program', path);
      await run(250);
    }
    oracle.finishes(undefined, node.bytes.toString());
    await run(60_000);
    const sent = (await web.list(folder.id))?.find(({ name }) => name === 'model.bin');
    expect(contents((sent as RemoteFile).id)?.map(({ length }) => length)).toEqual([
      node.bytes.toString().length,
    ]);
  });

  it('a writer that pauses publishes nothing before it closes its file, and is named', async () => {
    await settled();
    const path = `${MIRROR}/client.pt`;
    const node = site.disk.create(path, true);
    node.openFor += 1;
    await run(8_000);
    site.disk.write(node, Buffer.from('first half'), 'program', path);
    await run(8_000);
    expect(status()?.notices.join()).toMatch(/client\.pt is open for writing/);
    site.disk.write(node, Buffer.from('first half, second half'), 'program', path);
    await run(1_000);
    oracle.finishes(node, 'first half, second half');
    node.openFor -= 1;
    await run(5_000);
    const sent = (await web.list(folder.id))?.find(({ name }) => name === 'client.pt');
    expect(contents((sent as RemoteFile).id)).toEqual(['first half, second half']);
    expect(status()?.notices).toEqual([]);
  });

  it('a file that stays open for ever is sent in the end', async () => {
    await settled();
    const node = write('training.log', 'one line');
    node.openFor += 1;
    await run(15_000);
    expect(await inBox()).toContain('training.log');
  });

  it('an empty checkpoint is not sent, and told, until there is something in it', async () => {
    await settled();
    const node = write('client.pt', '');
    await run(30_000);
    expect(await inBox()).not.toContain('client.pt');
    expect(status()?.problems).toMatchObject([{ path: 'client.pt', reason: 'empty' }]);
    site.disk.write(node, Buffer.from('content'), 'program', `${MIRROR}/client.pt`);
    oracle.finishes(undefined, 'content');
    await run(5_000);
    expect(await inBox()).toContain('client.pt');
    expect(status()?.problems).toEqual([]);
  });

  it('a file that grows all the time is not sent all the time, and its last state comes within a minute', async () => {
    await settled();
    let text = '';
    const node = site.disk.create(`${MIRROR}/run.log`, true);
    for (let line = 0; line < 400; line += 1) {
      text += `line ${line}\n`;
      oracle.finishes(undefined, text);
      site.disk.write(node, Buffer.from(text), 'program', `${MIRROR}/run.log`);
      await run(300);
    }
    await run(62_000);
    const sent = (await web.list(folder.id))?.find(({ name }) => name === 'run.log');
    const versions = contents((sent as RemoteFile).id) ?? [];
    expect(versions.at(-1)).toBe(text);
    expect(versions.length).toBeLessThan(20);
  });

  it('a heartbeat that is replaced every two seconds is never put off', async () => {
    await settled();
    for (let beat = 0; beat < 40; beat += 1) {
      const temporary = `${MIRROR}/.beat.mila-tmp`;
      const node = site.disk.create(temporary, true);
      site.disk.write(node, Buffer.from(`beat ${beat}`), 'program', temporary);
      oracle.finishes(undefined, `beat ${beat}`);
      site.disk.rename(temporary, `${MIRROR}/beat.txt`);
      await run(2_000);
    }
    const sent = (await web.list(folder.id))?.find(({ name }) => name === 'beat.txt');
    expect(contents((sent as RemoteFile).id)).toHaveLength(40);
  });

  it('the last store through a memory map reaches Box, though no time tells of it', async () => {
    await settled();
    const node = write('array.npy', 'first');
    site.disk.storeMapped(node, Buffer.from('second'));
    oracle.finishes(undefined, 'second');
    await run(10_000);
    site.disk.storeMapped(node, Buffer.from('third'));
    site.disk.storeMapped(node, Buffer.from('fourth'));
    for (const text of ['third', 'fourth']) oracle.finishes(undefined, text);
    await run(60_000);
    const sent = (await web.list(folder.id))?.find(({ name }) => name === 'array.npy');
    expect(contents((sent as RemoteFile).id)?.at(-1)).toBe('fourth');
  });

  it('a disk that does not tell births renames without sending anything anew', async () => {
    site.disk.tellsBirth = false;
    await settled();
    site.calls = [];
    for (const name of NAMES.slice(0, 3)) site.disk.rename(`${MIRROR}/${name}`, `${MIRROR}/new-${name}`);
    await run(10_000);
    expect(site.calls.filter((call) => call === 'upload' || call === 'remove')).toEqual([]);
    expect(site.calls.filter((call) => call === 'relocate')).toHaveLength(3);
  });

  it('a reported file that goes is not reported any more', async () => {
    await settled();
    site.unreadable.add(`${MIRROR}/secret.txt`);
    write('secret.txt', 'nobody reads this');
    await run(10_000);
    expect(status()?.problems).toMatchObject([{ path: 'secret.txt', reason: 'unreadable' }]);
    site.disk.removeFile(`${MIRROR}/secret.txt`);
    await run(10_000);
    expect(status()?.problems).toEqual([]);
  });

  it('a full disk is full no longer once what did not fit is gone', async () => {
    await settled();
    site.disk.roomBytes = 10;
    const big = await put('big.bin', 'x'.repeat(2_000));
    await run(20_000);
    expect(status()?.state).toBe('full');
    await web.remove(big);
    await run(20_000);
    expect(status()).toMatchObject({ state: 'in-sync', trouble: null });
  });
});
