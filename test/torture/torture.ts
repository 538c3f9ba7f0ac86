import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Administrator } from '../../src/cli/demo/administrator.ts';
import { randomBelow, seededRandom } from '../../src/random.ts';
import { type RunningEmulator, startEmulator } from '../../src/sync/box-emulator/emulator.ts';
import { BoxContents } from './box-contents.ts';
import { BoxHosts } from './box-hosts.ts';
import { fakeTimeLibrary, SiteClock } from './clocks.ts';
import { agreement, judged } from './judgement.ts';
import { writeLargeFile } from './large-file.ts';
import type { PowerName, Stage } from './power.ts';
import { missingPowers, powersOf } from './powers.ts';
import { Site } from './site.ts';
import { SiteDisk } from './site-disk.ts';
import { Trouble } from './trouble.ts';
import { Writer } from './writer.ts';

/** What is done to the mounts. */
export interface TortureOptions {
  readonly mounts: number;
  /** Files that stand at the first site before the others come. */
  readonly files: number;
  /** How long people write and things befall the mounts. */
  readonly seconds: number;
  /** Size of one more file at the first site. Units: MiB; 0: none. */
  readonly largeMib: number;
  readonly seed: number;
  /** What may befall the mounts. */
  readonly powers: readonly PowerName[];
  readonly say: (text: string) => void;
}

export interface TortureOutcome {
  readonly faults: readonly string[];
  /** How often each power was at work. */
  readonly befell: Readonly<Partial<Record<PowerName, number>>>;
  readonly actions: number;
  readonly files: number;
  readonly conflicts: number;
}

const SETTLE_MIN_MS = 180_000;
/** For each file and mount, when all share two cores. */
const SETTLE_MS_PER_COPY = 25;
/** A power may last for this share of the time, and never longer than some minutes. */
const LASTING_SHARE = 0.25;
const LASTS_MAX_MS = 180_000;

/**
 * Real mounts over real disks and the HTTP emulator, while people write on every side and what befalls real machines
 * befalls them: kills, stops, folders and disks that go and come, hosts that are out of reach, clocks that are wrong.
 *
 * Guarantees: afterwards each fault is named: trees that differ, content that is nowhere any more or was deleted by no
 * person, mounts that ended without a reason or did not say what befell them.
 */
export async function torture(options: TortureOptions): Promise<TortureOutcome> {
  const folder = await mkdtemp(join(tmpdir(), 'mila-torture-'));
  const emulator = await startEmulator({ rateLimitPerMinute: 0, uploadRateLimitPerMinute: 0 });
  const hosts = await BoxHosts.open(emulator);
  try {
    await new Administrator(emulator.url).prepare({ groupName: 'group', folderName: 'shared' });
    await writeFile(join(folder, 'box.json'), JSON.stringify(hosts.configuration), { mode: 0o600 });
    return await new Torture({ folder, emulator, hosts, options }).run();
  } finally {
    await hosts.close();
    await emulator.close();
    await rm(folder, { recursive: true, force: true });
  }
}

interface Surroundings {
  readonly folder: string;
  readonly emulator: RunningEmulator;
  readonly hosts: BoxHosts;
  readonly options: TortureOptions;
}

class Torture {
  readonly #around: Surroundings;
  readonly #sites: Site[] = [];
  readonly #faults: string[] = [];
  /** What must be found, and what it is. */
  readonly #wanted = new Map<string, string>();
  #actions = 0;

  constructor(around: Surroundings) {
    this.#around = around;
  }

  async run(): Promise<TortureOutcome> {
    const { mounts, files, seconds, say } = this.#around.options;
    const powers = await this.#powers();
    try {
      for (let at = 0; at < mounts; at += 1) {
        await this.#join(at, powers);
        if (at === 0) await this.#fill(files);
      }
      say(
        `${mounts} mounts, ${files} files: people write for ${seconds} s; what befalls them: ${powers.join(', ')}`,
      );
      const befell = await this.#trouble(powers);
      say(`${this.#actions} actions, ${JSON.stringify(befell)}: waiting for all to agree`);
      const box = await BoxContents.open(this.#around.emulator);
      const tree = await agreement(box, this.#sites, SETTLE_MIN_MS + files * mounts * SETTLE_MS_PER_COPY);
      const { faults, conflicts } = await judged(box, { sites: this.#sites, tree, wanted: this.#wanted });
      return {
        faults: [...this.#faults, ...faults],
        befell,
        actions: this.#actions,
        files: tree.size,
        conflicts,
      };
    } finally {
      for (const site of this.#sites) await site.close();
    }
  }

  /** Those that were asked for and that this machine has. */
  async #powers(): Promise<readonly PowerName[]> {
    const { powers, seconds, say } = this.#around.options;
    const missing = await missingPowers(powers, seconds);
    for (const [name, why] of missing) say(`without ${name}: ${why}`);
    return powers.filter((name) => !missing.has(name));
  }

  async #join(at: number, powers: readonly PowerName[]): Promise<void> {
    const { folder, options } = this.#around;
    const name = at === 0 ? 'server' : `site_${at}`;
    const directory = join(folder, `m-${name}`);
    const library = fakeTimeLibrary();
    const hasClock = powers.includes('clocks') && library !== undefined && at % 2 === 1;
    const places = { root: join(directory, 'shared', 'runs'), bin: join(directory, 'bin') };
    const site = new Site({
      name,
      folder,
      writer: new Writer(name, places, seededRandom(options.seed + at)),
      clock: hasClock ? new SiteClock(library, join(folder, `${name}.clock`)) : undefined,
      disk: powers.includes('unmounts') ? new SiteDisk(directory, join(folder, 'disks', name)) : undefined,
    });
    this.#sites.push(site);
    await site.open();
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

  /** People write everywhere while one thing after the other befalls the mounts. */
  async #trouble(names: readonly PowerName[]): Promise<TortureOutcome['befell']> {
    const { seconds, seed, say } = this.#around.options;
    const end = Date.now() + seconds * 1000;
    const stage: Stage = {
      hosts: this.#around.hosts,
      lastsMaxMs: Math.min(LASTS_MAX_MS, seconds * 1000 * LASTING_SHARE),
      fault: (text) => this.#faults.push(text),
    };
    const writing = this.#sites.map((site) => this.#write(site, end));
    const large = this.#sites.slice(0, 1).map((site) => this.#writeLarge(site));
    const trouble = new Trouble({
      sites: this.#sites,
      powers: powersOf(names, stage),
      seed,
      say,
      fault: stage.fault,
    });
    const befell = await trouble.until(end);
    await Promise.all([...writing, ...large]);
    return befell;
  }

  async #write({ name, writer }: Site, end: number): Promise<void> {
    const random = seededRandom(this.#around.options.seed + name.length * 77);
    while (Date.now() < end) {
      await writer.act();
      this.#actions += 1;
      await pause(randomBelow(random, 150));
    }
  }

  async #writeLarge({ name, root }: Site): Promise<void> {
    const { largeMib } = this.#around.options;
    if (largeMib === 0) return;
    const sha1 = await writeLargeFile(join(root, `${name}.pt`), largeMib);
    this.#wanted.set(sha1, `the large file of ${name}`);
  }
}
