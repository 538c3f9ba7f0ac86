import { type Random, randomBelow } from '../../src/random.ts';
import type { Oracle } from './oracle.ts';
import { MIRROR } from './places.ts';
import type { SimClock } from './sim-clock.ts';
import { contentsIn, type DiskNode, type SimDisk } from './sim-disk.ts';
import type { Trace } from './trace.ts';

interface ProgramOptions {
  readonly site: string;
  readonly disk: SimDisk;
  readonly clock: SimClock;
  readonly random: Random;
  readonly oracle: Oracle;
  readonly trace: Trace;
}

/** A file that is being written in place. */
interface Writing {
  readonly path: string;
  readonly node: DiskNode;
  readonly content: string;
  /** True when the system tells that it is open. */
  readonly isSeen: boolean;
  readonly pieces: number;
}

const FILE_NAMES = ['a.txt', 'b.pt', 'c'];
const FOLDER_NAMES = ['rounds', 'x'];
/** A writer whose handle nobody sees cannot be told from one that has finished when it pauses longer than this. */
const PAUSE_MAX_MS = 20;
/** One whose handle is seen may pause for longer. */
const LONG_PAUSE_MAX_MS = 6_000;
const FULL_DISK_WAIT_MS = 1_000;

/** What the programs and people at one site do to the mirrored folder. */
export class Program {
  readonly #options: ProgramOptions;
  #count = 0;
  #beats = 0;

  constructor(options: ProgramOptions) {
    this.#options = options;
  }

  /** Do one thing. */
  act(): void {
    const { random } = this.#options;
    const luck = random.next();
    if (luck < 0.3) this.#writeAtomically(this.#somewhere());
    else if (luck < 0.42) this.#writeInPlace(this.#somewhere());
    else if (luck < 0.55) this.#beat();
    else if (luck < 0.65) this.#makeFolder();
    else if (luck < 0.82) this.#move();
    else if (luck < 0.91) this.#delete();
    else if (luck < 0.95) this.#storeMapped();
    else this.#swap();
  }

  #beat(): void {
    this.#beats += 1;
    const { site, clock } = this.#options;
    this.#writeAtomically(
      `${MIRROR}/beat-${site}.txt`,
      `beat of ${site} ${this.#beats} ${clock.monotonic().toFixed(0)}`,
    );
  }

  #content(): string {
    const { site, random } = this.#options;
    this.#count += 1;
    return `${site} wrote ${this.#count} `.padEnd(20 + randomBelow(random, 200), '.');
  }

  /** The usual way of careful programs: a temporary file, synced, renamed. */
  #writeAtomically(path: string, content = this.#content()): void {
    const { disk, oracle, random } = this.#options;
    if (disk.find(path)?.kind === 'folder') return;
    const isBeat = path.includes('/beat-');
    const temporary = `${path.slice(0, path.lastIndexOf('/'))}/.w${this.#count}-${this.#beats}.mila-tmp`;
    this.#try(`writes ${path}: ${content.slice(0, 24)}`, () => {
      const node = disk.create(temporary, true);
      disk.write(node, Buffer.from(content), 'program', temporary);
      if (isBeat || random.next() < 0.8) disk.sync(node);
      oracle.finishes(undefined, content);
      this.#discard(path);
      disk.rename(temporary, path);
      // Who counts must not forget what others have seen.
      if (isBeat) disk.sync();
    });
  }

  /** The careless way: the file is truncated, and filled piece by piece. */
  #writeInPlace(path: string): void {
    const { disk, oracle, random, trace, site } = this.#options;
    // Two writers of one file at once spoil it without any engine.
    if (disk.find(path)?.kind === 'folder' || oracle.isOpen(disk.find(path))) return;
    const content = this.#content();
    this.#try(`begins ${path}: ${content.slice(0, 24)}`, () => {
      this.#discard(path);
      const node = disk.create(path, false);
      oracle.startsWriting(node);
      disk.write(node, Buffer.alloc(0), 'program', path);
      const isSeen = random.next() < 0.5;
      if (isSeen) node.openFor += 1;
      this.#writePieces({ path, node, content, isSeen, pieces: 1 + randomBelow(random, 4) }, () => {
        oracle.finishes(node, content);
        if (!stands(disk, node)) oracle.discards(content);
        trace.note(site, `ends ${path}: ${content.slice(0, 24)}`);
      });
    });
  }

  /** Write piece by piece, with pauses; wait while the disk is full. */
  #writePieces(writing: Writing, onEnd: () => void): void {
    const { disk, oracle, clock, random } = this.#options;
    const { path, node, content, pieces } = writing;
    let { isSeen } = writing;
    let piece = 1;
    const goOn = () => {
      const upTo = piece === pieces ? content.length : Math.floor((content.length * piece) / pieces);
      try {
        disk.write(node, Buffer.from(content.slice(0, upTo)), 'program', path);
      } catch {
        // A patient program waits for room, with its file open for all to see, perhaps longer than anybody waits for it.
        if (!isSeen) node.openFor += 1;
        isSeen = true;
        oracle.mayBeSeen(node.bytes.toString());
        clock.after(FULL_DISK_WAIT_MS, goOn);
        return;
      }
      piece += 1;
      if (piece <= pieces) {
        const pauseMaxMs = isSeen && random.next() < 0.3 ? LONG_PAUSE_MAX_MS : PAUSE_MAX_MS;
        clock.after(1 + randomBelow(random, pauseMaxMs - 1), goOn);
        return;
      }
      if (isSeen) node.openFor -= 1;
      onEnd();
    };
    goOn();
  }

  /** A program that maps a file into its memory stores into it again and again, which the times tell only at first. */
  #storeMapped(): void {
    const { disk, oracle, clock, random, trace, site } = this.#options;
    const path = this.#entry();
    const node = path === undefined ? undefined : disk.find(path);
    if (path === undefined || node?.kind !== 'file' || oracle.isOpen(node) || node.openFor > 0) return;
    let stores = 1 + randomBelow(random, 3);
    let isFirst = true;
    const store = () => {
      if (!stands(disk, node) || oracle.isOpen(node) || disk.find(path) !== node) return;
      const content = this.#content();
      oracle.discards(node.bytes.toString());
      disk.storeMapped(node, Buffer.from(content), isFirst);
      isFirst = false;
      oracle.finishes(undefined, content);
      trace.note(site, `stores into ${path}: ${content.slice(0, 24)}`);
      stores -= 1;
      if (stores > 0) clock.after(1 + randomBelow(random, 3_000), store);
    };
    store();
  }

  #makeFolder(): void {
    const { disk, random } = this.#options;
    const path = `${this.#folder()}/${FOLDER_NAMES[randomBelow(random, FOLDER_NAMES.length)]}`;
    if (path.split('/').length < 6) this.#try(`makes ${path}`, () => disk.makeFolder(path));
  }

  #move(): void {
    const from = this.#entry();
    if (from === undefined) return;
    const { disk, random } = this.#options;
    const isFolder = disk.find(from)?.kind === 'folder';
    const names = isFolder ? FOLDER_NAMES : FILE_NAMES;
    const name =
      random.next() < 0.5 ? from.slice(from.lastIndexOf('/') + 1) : names[randomBelow(random, names.length)];
    const to = `${this.#folder()}/${name}`;
    if (to === from || (isFolder && disk.find(to) !== undefined)) return;
    this.#try(`moves ${from} to ${to}`, () => {
      if (disk.find(to)?.kind === 'file') this.#discard(to);
      this.#takesMountPoint(from);
      disk.rename(from, to);
    });
  }

  #delete(): void {
    const path = this.#entry();
    if (path === undefined) return;
    const { disk } = this.#options;
    this.#try(`deletes ${path}`, () => {
      if (disk.find(path)?.kind === 'file') {
        this.#discard(path);
        disk.removeFile(path);
        return;
      }
      this.#takesMountPoint(path);
      for (const [below, node] of [...disk.walk(path)].reverse()) {
        if (node.kind === 'file') {
          this.#discard(below);
          disk.removeFile(below);
        } else disk.removeFolder(below);
      }
      disk.removeFolder(path);
    });
  }

  /** Two files trade names. */
  #swap(): void {
    const [first, second] = [this.#entry(), this.#entry()];
    const { disk } = this.#options;
    if (first === undefined || second === undefined || first === second) return;
    if (disk.find(first)?.kind !== 'file' || disk.find(second)?.kind !== 'file') return;
    const aside = `${MIRROR}/.swap.mila-tmp`;
    this.#try(`swaps ${first} and ${second}`, () => {
      // A power cut may have left a trade half-way: what stands aside then is written over by this program itself.
      this.#discard(aside);
      // Neither place holds any more what it held: another site that does away with the other place does no wrong.
      for (const path of [first, second]) this.#givesUp(path);
      disk.rename(first, aside);
      disk.rename(second, first);
      disk.rename(aside, second);
    });
  }

  /** Who moves or deletes a mount point before anybody saw that its disk is away deletes, for all others, what was there. */
  #takesMountPoint(path: string): void {
    const { disk, oracle } = this.#options;
    const inside = [...disk.walk(path)].map(([, node]) => node);
    for (const node of [disk.find(path), ...inside])
      if (node?.hides !== undefined) oracle.givesUp(contentsIn(node.hides));
  }

  #givesUp(path: string): void {
    const { disk, oracle } = this.#options;
    const node = disk.find(path);
    if (node?.kind === 'file') oracle.givesUp([node.bytes.toString()]);
  }

  #discard(path: string): void {
    const { disk, oracle } = this.#options;
    const node = disk.find(path);
    if (node?.kind === 'file') oracle.discards(node.bytes.toString());
  }

  #try(what: string, act: () => void): void {
    const { trace, site } = this.#options;
    try {
      act();
      trace.note(site, what);
    } catch (error) {
      trace.note(site, `${what}: ${String(error)}`);
    }
  }

  #folders(): string[] {
    const found = [MIRROR];
    // What is written to a disk that stands in for another goes with it.
    for (const [path, node] of this.#options.disk.walk(MIRROR))
      if (node.kind === 'folder' && node.device === undefined) found.push(path);
    return found;
  }

  #folder(): string {
    const folders = this.#folders();
    return folders[randomBelow(this.#options.random, folders.length)] ?? MIRROR;
  }

  #somewhere(): string {
    return `${this.#folder()}/${FILE_NAMES[randomBelow(this.#options.random, FILE_NAMES.length)]}`;
  }

  /** A file or folder that may be moved or deleted; counters stay where they are. */
  #entry(): string | undefined {
    const found: string[] = [];
    for (const [path] of this.#options.disk.walk(MIRROR))
      if (!path.endsWith('.mila-tmp') && !path.includes('/beat-')) found.push(path);
    return found[randomBelow(this.#options.random, found.length)];
  }
}

/** Whether a file stands under a name that its writer gave it: a power cut takes back a rename that was not synced. */
function stands(disk: SimDisk, wanted: DiskNode): boolean {
  for (const [path, node] of disk.walk(MIRROR))
    if (node === wanted && !path.endsWith('.mila-tmp')) return true;
  return false;
}
