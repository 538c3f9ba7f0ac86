import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { expect } from 'vitest';
import { seededRandom } from '../../src/random.ts';
import { MemoryStore } from '../../src/sync/remote/memory-store.ts';
import { MEMORY_ROOT, MemoryWorld } from '../../src/sync/remote/memory-world.ts';
import type { RemoteFile, RemoteFolder } from '../../src/sync/tree/entry.ts';
import { Oracle } from './oracle.ts';
import { MIRROR } from './places.ts';
import { SimClock } from './sim-clock.ts';
import type { DiskNode } from './sim-disk.ts';
import { Site } from './site.ts';
import { Trace } from './trace.ts';

/** An engine that no crash awaits. */
export const FOR_EVER = Number.POSITIVE_INFINITY;
/** What both sites mirror once they are settled. */
export const NAMES: readonly string[] = ['a.txt', 'b.txt', 'c.txt', 'd.pt', 'e.pt', 'f.txt'];

interface Box {
  readonly clock: SimClock;
  readonly world: MemoryWorld;
  readonly web: MemoryStore;
  readonly folder: RemoteFolder;
}

/** Two sites, a person at Box's web pages, one clock, and an oracle: where stories of a mirror are played. */
export class BefallsStage {
  readonly clock: SimClock;
  readonly world: MemoryWorld;
  readonly web: MemoryStore;
  /** The shared folder, which both sites mirror. */
  readonly folder: RemoteFolder;
  readonly oracle = new Oracle();
  readonly site: Site;
  readonly other: Site;

  private constructor({ clock, world, web, folder }: Box) {
    this.clock = clock;
    this.world = world;
    this.web = web;
    this.folder = folder;
    const trace = new Trace(() => clock.monotonic(), false);
    const sites: Site[] = [];
    const common = { clock, random: seededRandom(1), world, folder, oracle: this.oracle, trace, sites };
    this.site = new Site({ ...common, name: 's1' });
    this.other = new Site({ ...common, name: 's2' });
    sites.push(this.site, this.other);
  }

  static async open(): Promise<BefallsStage> {
    const clock = new SimClock();
    const world = new MemoryWorld(() => clock.now());
    const web = new MemoryStore({ clock, world, user: { id: 'web', name: 'web' } });
    const folder = await web.createFolder(MEMORY_ROOT, 'shared');
    return new BefallsStage({ clock, world, web, folder });
  }

  run(ms: number): Promise<void> {
    return this.clock.runUntil(this.clock.monotonic() + ms);
  }

  status(of = this.site) {
    return of.engine?.status();
  }

  sourceOf(text: string) {
    const bytes = Buffer.from(text);
    this.oracle.finishes(undefined, text);
    return {
      sizeBytes: bytes.byteLength,
      sha1: createHash('sha1').update(bytes).digest('hex'),
      modifiedAtMs: this.clock.now(),
      open: () => Readable.from([bytes], { objectMode: false }),
    };
  }

  /** A person puts a file into Box. */
  put(name: string, text = `content of ${name}`, parentId = this.folder.id): Promise<RemoteFile> {
    return this.web.upload({ parentId, name, source: this.sourceOf(text) });
  }

  /** A program writes a file into a mirror. */
  write(name: string, text: string, at = this.site): DiskNode {
    const path = `${MIRROR}/${name}`;
    const node = at.disk.create(path, true);
    at.disk.write(node, Buffer.from(text), 'program', path);
    this.oracle.finishes(undefined, text);
    return node;
  }

  async inBox(id = this.folder.id): Promise<readonly string[] | undefined> {
    return (await this.web.list(id))?.map(({ name }) => name).sort();
  }

  onDisk(of = this.site): readonly string[] {
    return [...of.disk.walk(MIRROR)].map(([path]) => path.slice(MIRROR.length + 1));
  }

  /** Every version of a file in Box. */
  contents(id: RemoteFile['id']): readonly string[] | undefined {
    const item = this.world.all().find((each) => each.id === id);
    return item?.versions.map(({ bytes }) => Buffer.from(bytes).toString());
  }

  /** Put the shared folder into the trash, or back. */
  trash(trashed: boolean): void {
    const item = this.world.all().find(({ id }) => id === this.folder.id);
    if (item === undefined) return;
    item.trashed = trashed;
    this.world.touch(item);
  }

  /** Both sites mirror six files. */
  async settled(): Promise<RemoteFile[]> {
    const files: RemoteFile[] = [];
    for (const name of NAMES) files.push(await this.put(name));
    this.site.start(FOR_EVER);
    this.other.start(FOR_EVER);
    await this.run(20_000);
    expect([this.status()?.state, this.status(this.other)?.state]).toEqual(['in-sync', 'in-sync']);
    return files;
  }

  async nothingIsGone(): Promise<void> {
    expect(this.oracle.faults).toEqual([]);
    expect(await this.inBox()).toEqual(NAMES);
    expect(this.onDisk(this.other)).toEqual(NAMES);
  }

  /** A folder of the mirror whose disk is away: the bare mount point stands in its place. */
  async unmountBelow() {
    const below = await this.web.createFolder(this.folder.id, 'below');
    await this.put('g.txt', 'g', below.id);
    await this.settled();
    const path = `${MIRROR}/below`;
    const former = this.site.disk.detach(path);
    const bare = this.site.disk.bareFolder();
    bare.device = 99;
    this.site.disk.attach(path, bare);
    return { below, path, former, bare };
  }
}
