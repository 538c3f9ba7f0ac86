import { type Random, randomBelow } from '../../src/random.ts';
import type { MemoryItem, MemoryWorld } from '../../src/sync/remote/memory-world.ts';
import type { RemoteFolder } from '../../src/sync/tree/entry.ts';
import type { Oracle } from './oracle.ts';
import { MIRROR, STATE } from './places.ts';
import type { SimClock } from './sim-clock.ts';
import { contentsIn, type DiskNode } from './sim-disk.ts';
import type { Site } from './site.ts';
import type { Trace } from './trace.ts';

interface PowersOptions {
  readonly clock: SimClock;
  readonly random: Random;
  readonly world: MemoryWorld;
  readonly folder: RemoteFolder;
  readonly sites: readonly Site[];
  readonly oracle: Oracle;
  readonly trace: Trace;
}

/** Something that befell the world; `end` undoes it. Absent when there is nothing to undo. */
type End = (() => void) | undefined;

interface Power {
  readonly name: string;
  readonly weight: number;
  /** Begin; undefined when it cannot befall now. */
  begin(site: Site): End | 'over' | undefined;
}

const CLOCK_OFFSET_MAX_MS = 6 * 3_600_000;
/** A clock that drifts gains or loses up to this share. */
const DRIFT_MAX = 0.02;

/**
 * What befalls a mount from outside: folders that are swapped, disks that go and come, clocks, roles, full disks, and a
 * mirrored folder in Box that goes out of sight.
 *
 * Each is undone sooner or later; a person who mounts anew decides where undoing alone does not.
 */
export class Powers {
  readonly #options: PowersOptions;
  readonly #underWay = new Map<string, () => void>();
  #count = 0;

  constructor(options: PowersOptions) {
    this.#options = options;
  }

  /** Let one thing befall a site, or let one that befell it end. */
  act(): void {
    const { random, sites, trace } = this.#options;
    const site = sites[randomBelow(random, sites.length)];
    if (site === undefined) return;
    const power = this.#choose();
    const key = `${site.name} ${power.name}`;
    const end = this.#underWay.get(key);
    if (end !== undefined) {
      this.#underWay.delete(key);
      trace.note(site.name, `${power.name} ends`);
      end();
      return;
    }
    const begun = power.begin(site);
    if (begun === undefined) return;
    trace.note(site.name, power.name);
    if (begun !== 'over') this.#underWay.set(key, begun);
  }

  /** Everything that still lasts ends. */
  end(): void {
    for (const [key, end] of this.#underWay) {
      this.#options.trace.note('world', `${key} ends`);
      end();
    }
    this.#underWay.clear();
  }

  #choose(): Power {
    const powers = this.#powers();
    let luck = this.#options.random.next() * powers.reduce((sum, { weight }) => sum + weight, 0);
    for (const power of powers) {
      luck -= power.weight;
      if (luck < 0) return power;
    }
    return powers[0] as Power;
  }

  #powers(): readonly Power[] {
    return [
      { name: 'disk-unmounted', weight: 3, begin: (site) => this.#unmount(site) },
      { name: 'root-replaced', weight: 3, begin: (site) => this.#replaceRoot(site) },
      { name: 'root-emptied', weight: 2, begin: (site) => this.#emptyRoot(site) },
      { name: 'folder-unmounted', weight: 2, begin: (site) => this.#unmountBelow(site) },
      { name: 'state-removed', weight: 1, begin: (site) => this.#removeState(site) },
      { name: 'clock-jumps', weight: 2, begin: (site) => this.#jump(site) },
      { name: 'clock-drifts', weight: 1, begin: (site) => this.#drift(site) },
      { name: 'realtime-blocked', weight: 2, begin: (site) => this.#flag(site, 'realtimeBlocked') },
      { name: 'role-lowered', weight: 2, begin: (site) => this.#lowerRole(site) },
      { name: 'listings-lie', weight: 1, begin: (site) => this.#flag(site, 'listingsLie') },
      { name: 'mirror-full', weight: 1, begin: (site) => this.#fillDisk(site) },
      { name: 'index-full', weight: 1, begin: (site) => this.#flag(site, 'indexFull') },
      { name: 'unshared', weight: 3, begin: (site) => this.#unshare(site) },
      { name: 'trashed', weight: 3, begin: () => this.#trash() },
      { name: 'root-renamed', weight: 1, begin: () => this.#renameRoot() },
    ];
  }

  /** The disk goes: what stands in its place is the bare mount point, or nothing. */
  #unmount(site: Site): End | undefined {
    return this.#takeRootAway(site, this.#options.random.next() < 0.6);
  }

  /** The root is moved away, and a script makes another one, perhaps with something in it. */
  #replaceRoot(site: Site): End | undefined {
    return this.#takeRootAway(site, true);
  }

  #takeRootAway(site: Site, another: boolean): End | undefined {
    const { disk } = site;
    if (site.isTampered || disk.find(MIRROR) === undefined) return undefined;
    const { random } = this.#options;
    const former = disk.detach(MIRROR);
    site.isTampered = true;
    // An older state may come into sight again.
    this.#options.oracle.indexWasLost(site.name);
    this.#count += 1;
    const kept = `/mount/.mila-sync/former-${this.#count}`;
    // Unseen, but not lost: the disk lies in a drawer.
    site.drawer.push(former);
    if (another) disk.makeFolders(MIRROR);
    return () => {
      site.isTampered = false;
      if (disk.find(MIRROR) !== undefined) this.#keep(site, kept, disk.detach(MIRROR));
      site.drawer.splice(site.drawer.indexOf(former), 1);
      const returnsAs = random.next();
      if (returnsAs < 0.3) disk.device += 1;
      disk.attach(MIRROR, former);
      // A disk with another number is another one to a program that runs; whoever mounts it starts anew.
      if (returnsAs < 0.3) site.kill();
      if (random.next() < 0.7) disk.onChange(MIRROR);
    };
  }

  /** What programs wrote into the folder that stood there meanwhile is theirs. */
  #keep(site: Site, path: string, node: DiskNode): void {
    site.disk.makeFolders(STATE);
    site.disk.attach(path, node);
  }

  /** A script that went wrong deletes everything below the root. */
  #emptyRoot(site: Site): 'over' | undefined {
    const { disk } = site;
    if (site.isTampered || disk.find(MIRROR) === undefined) return undefined;
    for (const [path, node] of [...disk.walk(MIRROR)].reverse()) {
      if (node.kind === 'folder') disk.removeFolder(path);
      else {
        this.#options.oracle.discards(node.bytes.toString());
        disk.removeFile(path);
      }
    }
    site.wasEmptied = true;
    return 'over';
  }

  /** A folder below the root is the mount point of another disk, which goes or comes. */
  #unmountBelow(site: Site): End | undefined {
    const { disk } = site;
    const folders = [...disk.walk(MIRROR)].filter(([, node]) => node.kind === 'folder').map(([path]) => path);
    const path = folders[randomBelow(this.#options.random, folders.length)];
    if (site.isTampered || path === undefined) return undefined;
    site.isTampered = true;
    this.#options.oracle.indexWasLost(site.name);
    const former = disk.detach(path);
    this.#hidesNewcomers(path, former);
    site.drawer.push(former);
    const bare = disk.bareFolder();
    bare.device = disk.device + 100 + this.#count;
    bare.hides = former;
    disk.attach(path, bare);
    return () => {
      site.isTampered = false;
      site.drawer.splice(site.drawer.indexOf(former), 1);
      const standing = disk.find(path);
      if (standing === bare) disk.detach(path);
      this.#count += 1;
      this.#keep(site, `${STATE}/former-${this.#count}`, bare);
      const parent = path.slice(0, path.lastIndexOf('/'));
      if (disk.find(parent)?.kind === 'folder' && disk.find(path) === undefined) disk.attach(path, former);
      else this.#keep(site, `${STATE}/former-${this.#count}-b`, former);
    };
  }

  /** What was moved there a moment before its disk went away, nobody saw arrive: for all others it is gone from its place. */
  #hidesNewcomers(path: string, former: DiskNode): void {
    const { world, folder, oracle } = this.#options;
    const inBox = placesBelow(world, folder.id);
    for (const content of contentsIn(former)) {
      const places = inBox.get(content) ?? [];
      if (!places.some((place) => `${MIRROR}/${place}`.startsWith(`${path}/`))) oracle.givesUp([content]);
    }
  }

  #removeState(site: Site): 'over' | undefined {
    const { disk } = site;
    if (disk.find(STATE) === undefined) return undefined;
    const { oracle } = this.#options;
    for (const [path, node] of [...disk.walk(STATE)].reverse()) {
      if (node.kind === 'file') {
        oracle.discards(node.bytes.toString());
        disk.removeFile(path);
      } else disk.removeFolder(path);
    }
    disk.removeFolder(STATE);
    site.stateWasRemoved = true;
    return 'over';
  }

  #jump(site: Site): End {
    const { random } = this.#options;
    const offset = () => (random.next() * 2 - 1) * (random.next() < 0.5 ? 10_000 : CLOCK_OFFSET_MAX_MS);
    const former = { process: site.clocks.processOffsetMs, disk: site.clocks.diskOffsetMs };
    if (random.next() < 0.5) site.clocks.processOffsetMs = offset();
    if (random.next() < 0.5) site.clocks.diskOffsetMs = offset();
    return () => {
      site.clocks.processOffsetMs = former.process;
      site.clocks.diskOffsetMs = former.disk;
    };
  }

  #drift(site: Site): End {
    site.clocks.drift = (this.#options.random.next() * 2 - 1) * DRIFT_MAX;
    return () => {
      site.clocks.drift = 0;
    };
  }

  #flag(site: Site, flag: 'realtimeBlocked' | 'listingsLie' | 'indexFull'): End {
    site.troubles[flag] = true;
    if (flag === 'realtimeBlocked') site.wasBlocked = true;
    if (flag === 'listingsLie') site.wasLiedTo = true;
    return () => {
      site.troubles[flag] = false;
    };
  }

  #lowerRole(site: Site): End {
    const { world } = this.#options;
    site.troubles.mayNotWrite = true;
    return () => {
      site.troubles.mayNotWrite = false;
      // Box tells that access changed.
      world.letIn(site.name);
    };
  }

  #fillDisk(site: Site): End {
    const { disk } = site;
    disk.roomBytes = randomBelow(this.#options.random, 300);
    return () => {
      disk.roomBytes = Number.POSITIVE_INFINITY;
    };
  }

  #unshare(site: Site): End {
    const { world } = this.#options;
    world.shutOut(site.name);
    return () => world.letIn(site.name);
  }

  #item(): MemoryItem | undefined {
    return this.#options.world.all().find(({ id }) => id === this.#options.folder.id);
  }

  #trash(): End | undefined {
    const { world } = this.#options;
    const item = this.#item();
    if (item === undefined || item.trashed) return undefined;
    item.trashed = true;
    world.touch(item);
    return () => {
      item.trashed = false;
      world.touch(item);
    };
  }

  #renameRoot(): End | undefined {
    const { world } = this.#options;
    const item = this.#item();
    if (item === undefined) return undefined;
    const former = item.name;
    this.#count += 1;
    item.name = `shared-${this.#count}`;
    world.touch(item);
    return () => {
      item.name = former;
      world.touch(item);
    };
  }
}

/** Where each content stands in a folder in Box. */
function placesBelow(world: MemoryWorld, folderId: string): Map<string, readonly string[]> {
  const found = new Map<string, readonly string[]>();
  const visit = (parentId: string, prefix: string): void => {
    for (const item of world.all()) {
      if (item.trashed || item.parentId !== parentId) continue;
      const place = `${prefix}${item.name}`;
      const content = Buffer.from(item.versions.at(-1)?.bytes ?? []).toString();
      if (item.kind === 'folder') visit(item.id, `${place}/`);
      else found.set(content, [...(found.get(content) ?? []), place]);
    }
  };
  visit(folderId, '');
  return found;
}
