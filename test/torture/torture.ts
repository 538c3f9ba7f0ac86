import { createHash, randomBytes } from 'node:crypto';
import { appendFile, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { type MountProcess, startMount } from '../../bench/mount-process.ts';
import { Administrator } from '../../src/cli/demo/administrator.ts';
import { type Random, randomBelow, seededRandom } from '../../src/random.ts';
import { type RunningEmulator, startEmulator } from '../../src/sync/box-emulator/emulator.ts';
import { BoxContents } from './box-contents.ts';
import { diskTree, HashCache } from './disk-contents.ts';
import { Writer } from './writer.ts';

/** What is done to the mounts. */
export interface TortureOptions {
  readonly mounts: number;
  /** Files that stand at the first site before the others come. */
  readonly files: number;
  /** How long people write and processes are killed. */
  readonly seconds: number;
  /** Size of one more file at the first site. Units: MiB; 0: none. */
  readonly largeMib: number;
  readonly seed: number;
  readonly say: (text: string) => void;
}

export interface TortureOutcome {
  readonly faults: readonly string[];
  readonly kills: number;
  readonly actions: number;
  readonly files: number;
  readonly conflicts: number;
}

interface Site {
  readonly name: string;
  /** The mount's directory, with the engine's own folder. */
  readonly directory: string;
  readonly root: string;
  readonly writer: Writer;
  mount: MountProcess;
}

const SETTLE_MIN_MS = 90_000;
/** For each file and mount, when all share two cores. */
const SETTLE_MS_PER_COPY = 25;
const STILL_MS = 3000;
const MIB = 1024 * 1024;

/**
 * Real mounts over real disks and the HTTP emulator, killed without warning, stopped for a while and with their roots
 * swapped while people write on every side.
 *
 * Guarantees: afterwards each fault is named: trees that differ, content that is nowhere any more.
 */
export async function torture(options: TortureOptions): Promise<TortureOutcome> {
  const folder = await mkdtemp(join(tmpdir(), 'mila-torture-'));
  const emulator = await startEmulator({ rateLimitPerMinute: 0, uploadRateLimitPerMinute: 0 });
  try {
    await new Administrator(emulator.url).prepare({ groupName: 'group', folderName: 'shared' });
    await writeFile(join(folder, 'box.json'), JSON.stringify(emulator.configuration), { mode: 0o600 });
    const session = new Torture(folder, emulator, options);
    return await session.run();
  } finally {
    await emulator.close();
    await rm(folder, { recursive: true, force: true });
  }
}

class Torture {
  readonly #folder: string;
  readonly #emulator: RunningEmulator;
  readonly #options: TortureOptions;
  readonly #sites: Site[] = [];
  /** What must be found, and what it is. */
  readonly #wanted = new Map<string, string>();
  #kills = 0;
  #swaps = 0;
  #actions = 0;

  constructor(folder: string, emulator: RunningEmulator, options: TortureOptions) {
    this.#folder = folder;
    this.#emulator = emulator;
    this.#options = options;
  }

  async run(): Promise<TortureOutcome> {
    const { mounts, files, seconds, say } = this.#options;
    try {
      for (let at = 0; at < mounts; at += 1) {
        await this.#join(at);
        if (at === 0) await this.#fill(files);
      }
      say(`${mounts} mounts, ${files} files: writing and killing for ${seconds} s`);
      await this.#trouble(seconds * 1000);
      say(
        `${this.#actions} actions, ${this.#kills} kills, ${this.#swaps} swaps of a root: waiting for all to agree`,
      );
      const box = await BoxContents.open(this.#emulator);
      const tree = await this.#agreement(box);
      return { ...(await this.#judge(box, tree)), kills: this.#kills, actions: this.#actions };
    } finally {
      for (const { mount } of this.#sites) await mount.kill();
    }
  }

  async #join(at: number): Promise<void> {
    const name = at === 0 ? 'server' : `site_${at}`;
    const mount = await startMount(this.#folder, { name, args: ['--profile', 'full'] });
    const directory = join(this.#folder, `m-${name}`);
    const root = join(directory, 'shared', 'runs');
    const writer = new Writer(name, root, seededRandom(this.#options.seed + at));
    this.#sites.push({ name, directory, root, writer, mount });
  }

  async #fill(files: number): Promise<void> {
    const [first] = this.#sites;
    if (first === undefined) return;
    const { root, writer } = first;
    for (let at = 0; at < files; at += 1) {
      const folder = join(root, `folder_${at % 12}`);
      if (at < 12) await mkdir(folder, { recursive: true });
      const text = `file ${at} of the beginning`;
      await writeFile(join(folder, `first_${at}.txt`), text);
      writer.kept.set(createHash('sha1').update(text).digest('hex'), text);
    }
  }

  /** People write everywhere while one process after the other is killed and started again. */
  async #trouble(forMs: number): Promise<void> {
    const end = Date.now() + forMs;
    const random = seededRandom(this.#options.seed + 1000);
    const writing = this.#sites.map((site) => this.#write(site, end));
    const large = this.#sites.slice(0, 1).map((site) => this.#writeLarge(site));
    while (Date.now() < end) {
      await pause(200 + randomBelow(random, 3000));
      const site = this.#sites[randomBelow(random, this.#sites.length)];
      if (site === undefined) continue;
      const luck = random.next();
      if (luck < 0.15) await this.#swapRoot(site, random);
      else if (luck < 0.3) await this.#hold(site, random);
      await this.#killAndStart(site, random);
    }
    await Promise.all([...writing, ...large]);
  }

  async #killAndStart(site: Site, random: Random): Promise<void> {
    await site.mount.kill();
    this.#kills += 1;
    await pause(randomBelow(random, 1000));
    site.mount = await startMount(this.#folder, {
      name: site.name,
      args: ['--profile', 'full'],
      wait: false,
    });
  }

  /** An empty folder takes the place of the mirrored one for a while, as when its disk is unmounted. */
  async #swapRoot({ directory, root }: Site, random: Random): Promise<void> {
    const away = join(directory, 'away');
    await rename(root, away);
    await mkdir(root);
    this.#swaps += 1;
    await pause(randomBelow(random, 4000));
    // What people wrote meanwhile is theirs to look for.
    const kept = join(directory, '.mila-sync', 'conflicts');
    await mkdir(kept, { recursive: true });
    await rename(root, join(kept, `swapped-${this.#swaps}`));
    await rename(away, root);
  }

  /** The process stands still, as on a machine that sleeps. */
  async #hold({ mount }: Site, random: Random): Promise<void> {
    process.kill(mount.pid, 'SIGSTOP');
    await pause(randomBelow(random, 8000));
    process.kill(mount.pid, 'SIGCONT');
  }

  async #write({ name, writer }: Site, end: number): Promise<void> {
    const random = seededRandom(this.#options.seed + name.length * 77);
    while (Date.now() < end) {
      await writer.act();
      this.#actions += 1;
      await pause(randomBelow(random, 150));
    }
  }

  async #writeLarge({ name, root }: Site): Promise<void> {
    const { largeMib } = this.#options;
    if (largeMib === 0) return;
    const path = join(root, `${name}.pt`);
    const hash = createHash('sha1');
    await writeFile(path, '');
    for (let at = 0; at < largeMib; at += 1) {
      const piece = Buffer.concat([randomBytes(1024), Buffer.alloc(MIB - 1024, at)]);
      hash.update(piece);
      await appendFile(path, piece);
    }
    this.#wanted.set(hash.digest('hex'), `the large file of ${name}`);
  }

  /** Wait until every disk and Box show the same and go on showing it; the last tree when they never do. */
  async #agreement(box: BoxContents): Promise<Map<string, string>> {
    const { files, mounts } = this.#options;
    const deadline = Date.now() + SETTLE_MIN_MS + files * mounts * SETTLE_MS_PER_COPY;
    let former: Map<string, string> | undefined;
    const cache = new HashCache();
    for (;;) {
      const tree = await box.tree(['shared', 'runs']);
      const disks = await Promise.all(this.#sites.map(({ root }) => diskTree(root, cache)));
      cache.turn();
      const agreed = disks.every((disk) => isDeepStrictEqual(disk, sortedLike(disk, tree)));
      if (agreed && former !== undefined && isDeepStrictEqual(former, tree)) return tree;
      if (Date.now() > deadline) return tree;
      former = agreed ? tree : undefined;
      await pause(STILL_MS);
    }
  }

  async #judge(box: BoxContents, tree: ReadonlyMap<string, string>) {
    const faults: string[] = [];
    const found = await box.everything();
    let conflicts = 0;
    for (const { name, directory, root, writer } of this.#sites) {
      faults.push(...differences(name, await diskTree(root), tree));
      const aside = await diskTree(join(directory, '.mila-sync', 'conflicts'));
      for (const sha1 of aside.values()) found.add(sha1);
      conflicts += aside.size;
      for (const [sha1, what] of writer.kept) this.#wanted.set(sha1, what);
    }
    for (const [sha1, what] of this.#wanted) if (!found.has(sha1)) faults.push(`nowhere any more: ${what}`);
    return { faults, files: tree.size, conflicts };
  }
}

function differences(
  name: string,
  disk: ReadonlyMap<string, string>,
  box: ReadonlyMap<string, string>,
): readonly string[] {
  const other = [...box].filter(([path, sha1]) => disk.get(path) !== sha1);
  const more = [...disk.keys()].filter((path) => !box.has(path));
  return [
    ...other.map(([path]) => `${name}: ${path} is not as in Box`),
    ...more.map((path) => `${name}: ${path} is not in Box`),
  ];
}

/** A tree with the order of another, so that only content counts. */
function sortedLike(
  order: ReadonlyMap<string, string>,
  tree: ReadonlyMap<string, string>,
): Map<string, string> {
  const sorted = new Map<string, string>();
  for (const path of order.keys()) {
    const sha1 = tree.get(path);
    if (sha1 !== undefined) sorted.set(path, sha1);
  }
  for (const [path, sha1] of tree) sorted.set(path, sha1);
  return sorted;
}
