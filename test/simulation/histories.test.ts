import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { beforeEach, describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/random.ts';
import { MemoryStore } from '../../src/sync/remote/memory-store.ts';
import { MEMORY_ROOT, MemoryWorld } from '../../src/sync/remote/memory-world.ts';
import type { RemoteFolder } from '../../src/sync/tree/entry.ts';
import { Oracle } from './oracle.ts';
import { CONFLICTS, MIRROR } from './places.ts';
import { SimClock } from './sim-clock.ts';
import { simulate } from './simulation.ts';
import { CALM, Site } from './site.ts';
import { Trace } from './trace.ts';

const BEAT = `${MIRROR}/beat.txt`;

/** What the simulation found once, each as a story of its own. */
describe('what the simulation found', () => {
  let clock: SimClock;
  let oracle: Oracle;
  let web: MemoryStore;
  let folder: RemoteFolder;
  let site: Site;

  beforeEach(async () => {
    clock = new SimClock();
    oracle = new Oracle();
    const world = new MemoryWorld(() => clock.now());
    web = new MemoryStore({ clock, world, user: { id: 'web', name: 'web' } });
    folder = await web.createFolder(MEMORY_ROOT, 'shared');
    const trace = new Trace(() => clock.monotonic(), false);
    site = new Site({ name: 's1', clock, random: seededRandom(1), world, folder, oracle, trace, sites: [] });
  });

  const run = (ms: number) => clock.runUntil(clock.monotonic() + ms);
  const state = () => site.engine?.status().state;

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
  /** The site's own program writes its beat, and syncs it: a crash may be a power cut. */
  const beat = (text: string) => {
    const node = site.disk.create(BEAT, true);
    site.disk.write(node, Buffer.from(text), 'program', BEAT);
    site.disk.sync(node);
    oracle.finishes(undefined, text);
  };
  const put = (name: string, text: string, parentId = folder.id) =>
    web.upload({ parentId, name, source: sourceOf(text) });

  it('a download that stood whole but unsynced in staging is synced before it gets its name', async () => {
    const file = await put('a.pt', 'every byte of it');
    const staged = `/mount/.mila-sync/staging/${file.id}-${file.versionId}.part`;
    site.disk.makeFolders('/mount/.mila-sync/staging');
    const node = site.disk.create(staged, true);
    site.disk.write(node, Buffer.from('every byte of it'), 'engine');
    site.start(Number.POSITIVE_INFINITY);
    await run(10_000);
    expect(state()).toBe('in-sync');
    expect(site.calls).not.toContain('download');
    expect(site.disk.require(`${MIRROR}/a.pt`).syncedBytes.toString()).toBe('every byte of it');
  });

  it('a file that still has a second name in staging after a crash is never written into', async () => {
    site.start(Number.POSITIVE_INFINITY);
    const file = await put('a.pt', 'as Box has it');
    await run(5000);
    site.kill();
    site.loseIndex();
    const mirrored = `${MIRROR}/a.pt`;
    site.disk.link(mirrored, `/mount/.mila-sync/staging/${file.id}-${file.versionId}.part`);
    site.disk.write(site.disk.require(mirrored), Buffer.from('shorter'), 'program', mirrored);
    oracle.finishes(undefined, 'shorter');
    site.start(Number.POSITIVE_INFINITY);
    await run(20_000);
    expect(site.disk.require(mirrored).bytes.toString()).toBe('as Box has it');
    const kept = [...site.disk.walk(CONFLICTS)].map(([, node]) => node.bytes.toString());
    expect(kept).toContain('shorter');
  });

  it('an edit after an upload whose answer was lost is no conflict, also after a crash', async () => {
    site.start(Number.POSITIVE_INFINITY);
    await run(5000);
    site.weather = { ...CALM, answerLost: 1 };
    beat('one');
    await run(1000);
    expect((await web.list(folder.id))?.map(({ name }) => name)).toEqual(['beat.txt']);
    site.kill();
    beat('two, written later');
    site.weather = CALM;
    site.start(Number.POSITIVE_INFINITY);
    await run(60_000);
    expect(state()).toBe('in-sync');
    expect(site.disk.require(BEAT).bytes.toString()).toBe('two, written later');
    expect(await web.list(folder.id)).toMatchObject([
      { content: { sizeBytes: 'two, written later'.length } },
    ]);
    expect([...site.disk.walk(CONFLICTS)]).toEqual([]);
  });

  // Found by seed 9027551.
  it('a name that was given right before a kill lasts through a later power cut', async () => {
    const first = await put('beat.txt', 'one');
    site.start(Number.POSITIVE_INFINITY);
    await run(5000);
    site.kill();
    // As the engine does it, up to the sync of the folder that the kill came before.
    await web.uploadVersion({ id: first.id, name: first.name, etag: first.etag, source: sourceOf('two') });
    const staged = '/mount/.mila-sync/staging/beat.part';
    const node = site.disk.create(staged, true);
    site.disk.write(node, Buffer.from('two'), 'engine');
    site.disk.sync(node);
    site.disk.rename(staged, BEAT);
    site.start(Number.POSITIVE_INFINITY);
    await run(5000);
    expect(state()).toBe('in-sync');
    site.kill();
    site.disk.cutPower({ next: () => 0.999 });
    site.start(Number.POSITIVE_INFINITY);
    await run(20_000);
    expect(site.disk.require(BEAT).bytes.toString()).toBe('two');
    expect((await simulate(9027551)).faults).toEqual([]);
  });

  // Found by seeds 8009633 and 8021830.
  it.each(Array.from({ length: 60 }, (_, index) => index + 1))(
    'a file sent twice between crashes is known as its own (second crash after effect %i)',
    async (crashAt) => {
      site.start(Number.POSITIVE_INFINITY);
      await run(5000);
      site.weather = { ...CALM, answerLost: 1 };
      beat('one');
      // Sent, but its event is on its way still when the next content goes.
      await run(100);
      expect((await web.list(folder.id))?.map(({ name }) => name)).toEqual(['beat.txt']);
      site.kill();
      beat('two, written later');
      site.start(crashAt);
      await run(200);
      if (site.isUp) site.kill();
      site.weather = CALM;
      site.start(Number.POSITIVE_INFINITY);
      await run(60_000);
      expect(state()).toBe('in-sync');
      expect(site.disk.require(BEAT).bytes.toString()).toBe('two, written later');
      expect([...site.disk.walk(CONFLICTS)]).toEqual([]);
    },
  );

  it('a file that cannot be read ends nothing, is reported, and is taken once it can', async () => {
    site.start(Number.POSITIVE_INFINITY);
    await run(5000);
    site.unreadable.add(`${MIRROR}/secret.txt`);
    for (const name of ['secret.txt', 'open.txt']) {
      site.disk.write(
        site.disk.create(`${MIRROR}/${name}`, true),
        Buffer.from(name),
        'program',
        `${MIRROR}/${name}`,
      );
      oracle.finishes(undefined, name);
    }
    await run(10_000);
    expect(oracle.faults).toEqual([]);
    expect((await web.list(folder.id))?.map(({ name }) => name)).toEqual(['open.txt']);
    expect(site.engine?.status().problems).toMatchObject([{ path: 'secret.txt', reason: 'unreadable' }]);
    site.unreadable.clear();
    await run(20_000);
    expect((await web.list(folder.id))?.map(({ name }) => name)).toEqual(['open.txt', 'secret.txt']);
    expect(site.engine?.status().problems).toEqual([]);
  });

  it('a half-finished download of a version that nobody wants any more does not stay', async () => {
    site.disk.makeFolders('/mount/.mila-sync/staging');
    site.disk.create('/mount/.mila-sync/staging/77-78.part', true);
    site.start(Number.POSITIVE_INFINITY);
    await run(10_000);
    expect(state()).toBe('in-sync');
    expect([...site.disk.walk('/mount/.mila-sync/staging')]).toEqual([]);
  });

  it('a folder deleted in Box goes although a temporary file stands in it, which is kept aside', async () => {
    const rounds = await web.createFolder(folder.id, 'rounds');
    await put('a.pt', 'content', rounds.id);
    site.start(Number.POSITIVE_INFINITY);
    await run(10_000);
    site.disk.create(`${MIRROR}/rounds/.half.mila-tmp`, true);
    await web.remove({ id: rounds.id, kind: 'folder', etag: rounds.etag });
    await run(60_000);
    expect(state()).toBe('in-sync');
    expect(site.disk.find(`${MIRROR}/rounds`)).toBeUndefined();
    const kept = [...site.disk.walk(CONFLICTS)].map(([path]) => path);
    expect(kept).toContainEqual(expect.stringMatching(/rounds\.[^/]+\/\.half\.mila-tmp$/));
  });

  it('an event that never came is made up for by a look at everything', async () => {
    site.start(Number.POSITIVE_INFINITY);
    await run(5000);
    site.weather = { ...CALM, eventLost: 1 };
    await put('a.pt', 'content');
    await run(60_000);
    expect(site.disk.find(`${MIRROR}/a.pt`)).toBeUndefined();
    site.calls.length = 0;
    await run(3_600_000);
    expect(site.disk.find(`${MIRROR}/a.pt`)).toBeDefined();
    // Two looks at one folder, and the download.
    expect(site.calls.length).toBeLessThanOrEqual(12);
  });
});
