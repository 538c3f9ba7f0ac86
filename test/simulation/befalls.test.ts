import { beforeEach, describe, expect, it } from 'vitest';
import type { RemoteFile } from '../../src/sync/tree/entry.ts';
import { BefallsStage, FOR_EVER, NAMES } from './befalls-stage.ts';
import { MIRROR, STATE } from './places.ts';
import { CALM } from './site.ts';

/** What befalls a mount from outside, each as a story: the table of docs/mount.md names them. */
describe('what befalls a mirror', () => {
  let stage: BefallsStage;
  beforeEach(async () => {
    stage = await BefallsStage.open();
  });

  it('an empty folder in the place of the mirrored one deletes nothing, and the former one goes on when it is back', async () => {
    await stage.settled();
    const former = stage.site.disk.detach(MIRROR);
    stage.site.disk.makeFolder(MIRROR);
    await stage.run(60_000);
    expect(stage.status()).toMatchObject({ state: 'root-replaced' });
    await stage.nothingIsGone();
    stage.site.disk.detach(MIRROR);
    stage.site.disk.attach(MIRROR, former);
    await stage.run(20_000);
    expect(stage.status()?.state).toBe('in-sync');
    expect(stage.onDisk()).toEqual(NAMES);
    await stage.nothingIsGone();
  });

  it('a disk that is unmounted is waited for, also after somebody made the missing folder', async () => {
    await stage.settled();
    const former = stage.site.disk.detach(MIRROR);
    await stage.run(30_000);
    expect(stage.status()?.state).toBe('root-missing');
    stage.site.disk.makeFolder(MIRROR);
    stage.write('job.txt', 'a job began to write');
    await stage.run(60_000);
    expect(stage.status()?.state).toBe('root-replaced');
    await stage.nothingIsGone();
    stage.site.disk.detach(MIRROR);
    stage.site.disk.attach(MIRROR, former);
    await stage.run(20_000);
    await stage.nothingIsGone();
  });

  it('another folder at the next start is taken as somebody mounted it: nothing is deleted, what is missing comes', async () => {
    await stage.settled();
    stage.site.kill();
    stage.site.disk.detach(MIRROR);
    stage.site.disk.makeFolder(MIRROR);
    stage.write('new.txt', 'new here');
    stage.site.start(FOR_EVER);
    await stage.run(30_000);
    expect(stage.status()?.state).toBe('in-sync');
    expect(stage.status()?.notices.join()).toContain('another directory');
    expect(stage.onDisk()).toEqual([...NAMES, 'new.txt']);
    expect(await stage.inBox()).toEqual([...NAMES, 'new.txt']);
    expect(stage.oracle.faults).toEqual([]);
  });

  it('a mirror that an index without room could not remember at first is remembered as soon as there is room', async () => {
    for (const name of NAMES) await stage.put(name);
    stage.site.troubles.indexFull = true;
    stage.site.start(FOR_EVER);
    await stage.run(10_000);
    stage.site.troubles.indexFull = false;
    await stage.run(60_000);
    expect(stage.status()?.state).toBe('in-sync');
    stage.site.kill();
    stage.site.disk.detach(MIRROR);
    stage.site.disk.makeFolder(MIRROR);
    stage.site.start(FOR_EVER);
    await stage.run(60_000);
    expect(stage.onDisk()).toEqual(NAMES);
    expect(await stage.inBox()).toEqual(NAMES);
    expect(stage.oracle.faults).toEqual([]);
  });

  it('a disk that comes back under another number is the same one: nothing is read again', async () => {
    await stage.settled();
    stage.site.kill();
    stage.site.disk.device += 7;
    stage.site.calls = [];
    stage.site.start(FOR_EVER);
    await stage.run(20_000);
    expect(stage.status()?.state).toBe('in-sync');
    expect(stage.status()?.notices).toEqual([]);
    expect(
      stage.site.calls.filter((call) => call !== 'changes' && call !== 'list' && call !== 'get'),
    ).toEqual([]);
    await stage.nothingIsGone();
  });

  it("without the engine's own folder beside the mirror nothing is planned", async () => {
    await stage.settled();
    for (const [path, node] of [...stage.site.disk.walk(STATE)].reverse())
      if (node.kind === 'file') stage.site.disk.removeFile(path);
      else stage.site.disk.removeFolder(path);
    stage.site.disk.removeFolder(STATE);
    for (const name of NAMES) stage.site.disk.removeFile(`${MIRROR}/${name}`);
    await stage.run(60_000);
    expect(stage.status()?.state).toBe('root-replaced');
    await stage.nothingIsGone();
  });

  it('a mirror that is emptied is held however small it is, and comes back when a person says so', async () => {
    await stage.settled();
    for (const name of NAMES) stage.site.disk.removeFile(`${MIRROR}/${name}`);
    await stage.run(60_000);
    expect(stage.status()).toMatchObject({ state: 'root-emptied', held: { count: 6, limit: 3 } });
    await stage.nothingIsGone();
    stage.site.kill();
    stage.site.start(FOR_EVER, 'bring-back');
    await stage.run(30_000);
    expect(stage.onDisk()).toEqual(NAMES);
    await stage.nothingIsGone();
  });

  it('the same at a start, and it goes through when a person says so', async () => {
    await stage.settled();
    stage.site.kill();
    for (const name of NAMES) stage.site.disk.removeFile(`${MIRROR}/${name}`);
    for (const name of NAMES) stage.oracle.discards(`content of ${name}`);
    stage.site.start(FOR_EVER);
    await stage.run(60_000);
    expect(stage.status()?.state).toBe('root-emptied');
    expect(await stage.inBox()).toEqual(NAMES);
    stage.site.kill();
    stage.site.start(FOR_EVER, 'let-through');
    await stage.run(30_000);
    expect(await stage.inBox()).toEqual([]);
    // The other site is asked as well.
    expect(stage.status(stage.other)).toMatchObject({ state: 'root-emptied' });
    expect(stage.onDisk(stage.other)).toEqual(NAMES);
    expect(stage.oracle.faults).toEqual([]);
  });

  it('most of a mirror, deleted at once, waits for a person, and the rest goes on', async () => {
    await stage.settled();
    for (const name of NAMES.slice(0, 4)) stage.site.disk.removeFile(`${MIRROR}/${name}`);
    stage.write('beat.txt', 'still alive');
    await stage.run(30_000);
    expect(stage.status()?.held).toEqual({ count: 4, limit: 3 });
    expect(await stage.inBox()).toEqual(['a.txt', 'b.txt', 'beat.txt', 'c.txt', 'd.pt', 'e.pt', 'f.txt']);
    expect(stage.oracle.faults).toEqual([]);
  });

  it('another disk on a folder of the mirror deletes nothing, and receives nothing', async () => {
    const { below, path, former, bare } = await stage.unmountBelow();
    await stage.put('h.txt', 'h', below.id);
    await stage.run(60_000);
    expect(stage.status()?.problems).toMatchObject([{ path: 'below', reason: 'another-disk' }]);
    expect(await stage.inBox(below.id)).toEqual(['g.txt', 'h.txt']);
    expect(bare.entries.size).toBe(0);
    stage.site.disk.detach(path);
    stage.site.disk.attach(path, former);
    await stage.run(60_000);
    expect(stage.status()?.problems).toEqual([]);
    expect(stage.onDisk()).toContain('below/h.txt');
    expect(stage.oracle.faults).toEqual([]);
  });

  for (const [how, takeAway] of [
    ['removed', (path: string) => stage.site.disk.removeFolder(path)],
    ['moved away', (path: string) => stage.site.disk.rename(path, `${MIRROR}/elsewhere`)],
  ] as const)
    it(`a mount point below that is ${how} while its disk is away deletes nothing`, async () => {
      const { below, path, former } = await stage.unmountBelow();
      await stage.run(60_000);
      takeAway(path);
      await stage.run(180_000);
      expect(stage.status()?.problems).toMatchObject([{ path: 'below', reason: 'another-disk' }]);
      expect(await stage.inBox(below.id)).toEqual(['g.txt']);
      stage.site.disk.attach(path, former);
      await stage.run(60_000);
      expect(stage.status()?.problems).toEqual([]);
      expect(await stage.inBox(below.id)).toEqual(['g.txt']);
      expect(stage.oracle.faults).toEqual([]);
    });

  for (const [how, hide, show] of [
    ['trashed', () => stage.trash(true), () => stage.trash(false)],
    ['unshared', () => stage.world.shutOut('s1'), () => stage.world.letIn('s1')],
  ] as const)
    it(`a folder that is ${how} right after changes in it takes nothing from the disk, and goes on when it is back`, async () => {
      const [first, second, third] = (await stage.settled()) as [RemoteFile, RemoteFile, RemoteFile];
      await stage.web.uploadVersion({ ...first, source: stage.sourceOf('two') });
      await stage.web.uploadVersion({ ...second, source: stage.sourceOf('two of b') });
      await stage.web.relocate({ ...third, parentId: stage.folder.id, name: 'renamed.txt' });
      hide();
      await stage.run(60_000);
      expect(stage.status()?.state).toBe('access-lost');
      expect(stage.status()?.trouble).toMatch(how === 'trashed' ? /trash/ : /not visible/);
      expect(stage.onDisk()).toHaveLength(6);
      show();
      await stage.run(180_000);
      expect(stage.status()?.state).toBe('in-sync');
      expect(stage.onDisk()).toEqual(['a.txt', 'b.txt', 'd.pt', 'e.pt', 'f.txt', 'renamed.txt']);
      expect(stage.oracle.faults).toEqual([]);
    });

  it('a trashed folder is told at once, though nothing else happens', async () => {
    await stage.settled();
    stage.trash(true);
    await stage.run(5_000);
    expect(stage.status()?.state).toBe('access-lost');
    await stage.run(600_000);
    expect(stage.onDisk()).toEqual(NAMES);
  });

  it('what was deleted here while the folder was out of sight is not believed to be gone in Box', async () => {
    const [first] = await stage.settled();
    stage.trash(true);
    stage.site.disk.removeFile(`${MIRROR}/a.txt`);
    stage.oracle.discards('content of a.txt');
    await stage.run(1_000);
    stage.site.kill();
    stage.trash(false);
    stage.site.start(FOR_EVER);
    await stage.run(180_000);
    expect(stage.status()?.state).toBe('in-sync');
    expect(stage.onDisk().includes('a.txt')).toBe(
      (await stage.web.get(first?.id ?? stage.folder.id, 'file')) !== undefined,
    );
  });

  for (const [what, rewrite] of [
    ['deleted', false],
    ['deleted and written anew', true],
  ] as const)
    it(`what was ${what} here while the folder was out of sight is so in Box when it is back`, async () => {
      await stage.settled();
      stage.world.shutOut('s1');
      stage.site.disk.removeFile(`${MIRROR}/a.txt`);
      stage.oracle.discards('content of a.txt');
      await stage.run(60_000);
      expect(stage.status()?.state).toBe('access-lost');
      if (rewrite) stage.write('a.txt', 'new content');
      stage.world.letIn('s1');
      await stage.run(180_000);
      expect(stage.status()?.state).toBe('in-sync');
      const names = rewrite ? NAMES : NAMES.filter((name) => name !== 'a.txt');
      expect(await stage.inBox()).toEqual(names);
      expect(stage.onDisk()).toEqual(names);
      const standing = (await stage.web.list(stage.folder.id))?.find(({ name }) => name === 'a.txt');
      if (rewrite) expect(stage.contents((standing as RemoteFile).id)?.at(-1)).toBe('new content');
      expect(stage.oracle.faults).toEqual([]);
    });

  it('a folder that was filled by another site meanwhile is not deleted with it', async () => {
    const below = await stage.web.createFolder(stage.folder.id, 'below');
    await stage.settled();
    stage.site.troubles.realtimeBlocked = true;
    await stage.put('late.txt', 'written when the other deleted', below.id);
    stage.site.disk.removeFolder(`${MIRROR}/below`);
    await stage.run(120_000);
    expect(await stage.inBox(below.id)).toEqual(['late.txt']);
    expect(stage.onDisk()).toContain('below/late.txt');
    expect(stage.oracle.faults).toEqual([]);
  });

  it('a listing that leaves out what is there deletes nothing', async () => {
    await stage.settled();
    stage.site.troubles.listingsLie = true;
    for (let times = 0; times < 20; times += 1) {
      stage.site.engine?.syncNow();
      await stage.run(10_000);
    }
    stage.site.troubles.listingsLie = false;
    stage.site.engine?.syncNow();
    await stage.run(20_000);
    expect(stage.onDisk()).toEqual(NAMES);
    await stage.nothingIsGone();
  });

  it('without the realtime servers changes are read on a timer, which is told, and waiting is tried ever more rarely', async () => {
    await stage.settled();
    stage.site.troubles.realtimeBlocked = true;
    // A wait that stands ends with the next sign.
    await stage.put('early.txt', 'early');
    await stage.run(120_000);
    stage.site.calls = [];
    await stage.put('late.txt', 'late');
    await stage.run(61_000);
    expect(stage.onDisk()).toContain('late.txt');
    expect(stage.status()?.state).toBe('in-sync');
    expect(stage.status()?.notices.join()).toMatch(/blocked; looking every \d+ s instead/);
    await stage.run(3_600_000);
    expect(stage.site.calls.length).toBeLessThan(200);
    stage.site.troubles.realtimeBlocked = false;
    await stage.run(11 * 60_000);
    await stage.put('soon.txt', 'soon');
    await stage.run(10_000);
    expect(stage.status()?.notices).toEqual([]);
    expect(stage.onDisk()).toContain('soon.txt');
  });

  it('while Box is out of reach one look after a growing wait is all that is asked of it', async () => {
    await stage.settled();
    for (let count = 0; count < 60; count += 1) stage.write(`waiting-${count}.txt`, `waits ${count}`);
    stage.site.weather = { ...CALM, callFails: 1 };
    await stage.run(60_000);
    expect(stage.status()?.state).toBe('offline');
    stage.site.calls = [];
    await stage.run(20 * 60_000);
    expect(stage.site.calls.length).toBeLessThan(30);
    stage.site.weather = CALM;
    await stage.run(75_000);
    expect(stage.status()?.state).toBe('in-sync');
    expect((await stage.inBox())?.length).toBe(66);
  });

  it('what a role refused goes on as soon as the role is raised, and is named until then', async () => {
    await stage.settled();
    stage.site.troubles.mayNotWrite = true;
    stage.write('a.txt', 'edited here');
    stage.write('g.txt', 'new here');
    await stage.run(20_000);
    expect(stage.status()?.state).toBe('waiting');
    expect(
      stage
        .status()
        ?.waiting.map(({ path }) => path)
        .sort(),
    ).toEqual(['a.txt', 'g.txt']);
    stage.site.troubles.mayNotWrite = false;
    stage.world.letIn('s1');
    await stage.run(5_000);
    expect(stage.status()).toMatchObject({ state: 'in-sync', waiting: [], trouble: null });
  });
});
