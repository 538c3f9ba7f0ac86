import { type Random, randomBelow } from '../../src/random.ts';
import type { StatFacts } from '../../src/sync/local/stat-facts.ts';

/** Who wrote a file's present bytes. */
export type Writer = 'engine' | 'program';

/** One inode. */
export interface DiskNode {
  readonly number: number;
  /** The disk that it lies on, where that is another one. */
  device?: number;
  /** The folder of the disk that is not mounted there now. */
  hides?: DiskNode;
  readonly kind: 'file' | 'folder';
  readonly bornMs: number;
  links: number;
  modifiedAtMs: number;
  changedAtMs: number;
  bytes: Buffer;
  /** What a power cut leaves for certain. */
  syncedBytes: Buffer;
  writer: Writer;
  /** Handles of programs that may write to it and that this machine shows. */
  openFor: number;
  /** True since its pages went to the disk: the next store through a memory map is seen by its times. */
  clean: boolean;
  readonly entries: Map<string, DiskNode>;
}

/** A system error as Node raises it. */
export function systemError(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${path}`), { code });
}

/**
 * A disk in memory with the promises of a journalling file system: names change in order and one at a time, and
 * after a power cut some last changes of names are undone; bytes that were not synced may be gone or cut off.
 */
export class SimDisk {
  readonly #now: () => number;
  readonly root: DiskNode;
  #nextNumber = 1;
  #ticks = 0;
  /** How to undo each change of names since the last sync, oldest first. */
  #unsynced: (() => void)[] = [];
  roomBytes = Number.POSITIVE_INFINITY;
  /** False for a disk that does not tell when an entry was born; then its numbers are soon given again, too. */
  tellsBirth = true;
  readonly #freeNumbers: number[] = [];
  /** Free once their removal is certain. */
  #goneNumbers: number[] = [];
  /** Its number, which a disk gets anew when it is mounted. */
  device = 1;
  /** Told of each path whose entry changed. */
  onChange: (path: string) => void = () => {};

  constructor(now: () => number) {
    this.#now = now;
    this.root = this.#make('folder');
  }

  find(path: string): DiskNode | undefined {
    let node: DiskNode | undefined = this.root;
    for (const name of partsOf(path)) node = node?.entries.get(name);
    return node;
  }

  require(path: string): DiskNode {
    const node = this.find(path);
    if (node === undefined) throw systemError('ENOENT', path);
    return node;
  }

  facts(node: DiskNode): StatFacts {
    return {
      kind: node.kind,
      inode: `${node.device ?? this.device}:${node.number}:${this.tellsBirth ? node.bornMs : 0}`,
      links: node.links,
      sizeBytes: node.bytes.byteLength,
      modifiedAtMs: node.modifiedAtMs,
      changedAtMs: node.changedAtMs,
    };
  }

  makeFolder(path: string): void {
    this.#setEntry(path, this.#make('folder'), 'EEXIST');
  }

  makeFolders(path: string): void {
    let reached = '';
    for (const name of partsOf(path)) {
      reached = `${reached}/${name}`;
      if (this.find(reached) === undefined) this.makeFolder(reached);
    }
  }

  /** Open for writing; creates. */
  create(path: string, truncate: boolean): DiskNode {
    const standing = this.find(path);
    if (standing?.kind === 'folder') throw systemError('EISDIR', path);
    if (standing === undefined) {
      const made = this.#make('file');
      this.#setEntry(path, made, 'EEXIST');
      return made;
    }
    if (truncate) this.write(standing, Buffer.alloc(0), standing.writer, path);
    return standing;
  }

  /** Replace a file's bytes. */
  write(node: DiskNode, bytes: Buffer, writer: Writer, path?: string): void {
    if (bytes.byteLength - node.bytes.byteLength > this.roomBytes) throw systemError('ENOSPC', path ?? '');
    this.roomBytes -= bytes.byteLength - node.bytes.byteLength;
    node.bytes = bytes;
    node.writer = writer;
    node.clean = false;
    node.modifiedAtMs = this.#tick();
    node.changedAtMs = node.modifiedAtMs;
    if (path !== undefined) this.onChange(path);
  }

  /** A store through a memory map: it changes the times only if it is the map's first, or the page was written since. */
  storeMapped(node: DiskNode, bytes: Buffer, isFirst: boolean): void {
    node.bytes = bytes;
    node.writer = 'program';
    if (!node.clean && !isFirst) return;
    node.clean = false;
    node.modifiedAtMs = this.#tick();
    node.changedAtMs = node.modifiedAtMs;
  }

  isOpen(node: DiskNode | undefined): boolean {
    return node !== undefined && node.openFor > 0;
  }

  link(from: string, to: string): void {
    const node = this.require(from);
    this.#setEntry(to, node, 'EEXIST');
    node.changedAtMs = this.#tick();
  }

  rename(from: string, to: string): void {
    const node = this.require(from);
    const target = this.find(to);
    if (target === node) return;
    if (target?.kind === 'folder' && (node.kind !== 'folder' || target.entries.size > 0))
      throw systemError('ENOTEMPTY', to);
    if (node.kind === 'folder' && target?.kind === 'file') throw systemError('ENOTDIR', to);
    if (`${to}/`.startsWith(`${from}/`)) throw systemError('EINVAL', to);
    const [source, name] = this.#parentOf(from);
    const [destination, newName] = this.#parentOf(to);
    this.#journal(() => {
      source.entries.set(name, node);
      if (target === undefined) destination.entries.delete(newName);
      else {
        destination.entries.set(newName, target);
        target.links += 1;
      }
    });
    if (target !== undefined) {
      target.links -= 1;
      this.#freed(target);
    }
    source.entries.delete(name);
    destination.entries.set(newName, node);
    liesOn(destination, node);
    node.changedAtMs = this.#tick();
    this.#touched(source, from);
    this.#touched(destination, to);
  }

  removeFile(path: string): void {
    if (this.require(path).kind === 'folder') throw systemError('EISDIR', path);
    this.#removeEntry(path);
  }

  removeFolder(path: string): void {
    const node = this.require(path);
    if (node.kind === 'file') throw systemError('ENOTDIR', path);
    if (node.entries.size > 0) throw systemError('ENOTEMPTY', path);
    this.#removeEntry(path);
  }

  setModified(path: string, modifiedAtMs: number): void {
    const node = this.require(path);
    node.modifiedAtMs = modifiedAtMs;
    node.changedAtMs = this.#tick();
  }

  /** Everything about names, and this file's bytes, survives from here on. */
  sync(node?: DiskNode): void {
    this.#unsynced = [];
    for (const number of this.#goneNumbers.splice(0)) this.#freeNumbers.push(number);
    if (node !== undefined) this.syncData(node);
  }

  /** This file's bytes survive from here on; its name may not. */
  syncData(node: DiskNode): void {
    node.syncedBytes = node.bytes;
    node.clean = true;
  }

  /** Lose a random part of what was not synced. */
  cutPower(random: Random): void {
    for (let left = randomBelow(random, this.#unsynced.length + 1); left > 0; left -= 1)
      this.#unsynced.pop()?.();
    this.#unsynced = [];
    this.#goneNumbers = [];
    for (const [, node] of this.walk()) {
      if (node.kind !== 'file' || node.bytes === node.syncedBytes) continue;
      const kept = randomBelow(random, node.bytes.byteLength + 1);
      node.bytes = random.next() < 0.5 ? node.syncedBytes : node.bytes.subarray(0, kept);
      node.syncedBytes = node.bytes;
      node.modifiedAtMs = this.#tick();
      node.changedAtMs = node.modifiedAtMs;
    }
  }

  /** Every path below a folder with its node, parents first. */
  *walk(path = ''): Generator<[string, DiskNode]> {
    const folder = this.find(path);
    if (folder === undefined) return;
    for (const [name, node] of [...folder.entries].sort(([a], [b]) => (a < b ? -1 : 1))) {
      yield [`${path}/${name}`, node];
      if (node.kind === 'folder') yield* this.walk(`${path}/${name}`);
    }
  }

  #make(kind: DiskNode['kind']): DiskNode {
    const now = this.#tick();
    const empty = Buffer.alloc(0);
    const times = { links: 0, bornMs: now, modifiedAtMs: now, changedAtMs: now };
    const number = (this.tellsBirth ? undefined : this.#freeNumbers.pop()) ?? this.#nextNumber++;
    return {
      number,
      kind,
      ...times,
      bytes: empty,
      syncedBytes: empty,
      writer: 'program',
      openFor: 0,
      clean: false,
      entries: new Map(),
    };
  }

  #setEntry(path: string, node: DiskNode, taken: string): void {
    const [parent, name] = this.#parentOf(path);
    if (parent.entries.has(name)) throw systemError(taken, path);
    this.#journal(() => {
      parent.entries.delete(name);
      node.links -= 1;
    });
    parent.entries.set(name, node);
    liesOn(parent, node);
    node.links += 1;
    this.#touched(parent, path);
  }

  #removeEntry(path: string): void {
    const [parent, name] = this.#parentOf(path);
    const node = this.require(path);
    this.#journal(() => {
      parent.entries.set(name, node);
      node.links += 1;
    });
    parent.entries.delete(name);
    node.links -= 1;
    this.#freed(node);
    this.#touched(parent, path);
  }

  #freed(node: DiskNode): void {
    if (node.links === 0 && !this.isOpen(node)) this.#goneNumbers.push(node.number);
  }

  /** Take a folder out of sight without a word, as unmounting does, which syncs it; returns it. */
  detach(path: string): DiskNode {
    const [parent, name] = this.#parentOf(path);
    const node = this.require(path);
    this.sync();
    for (const [, below] of this.walk(path)) this.syncData(below);
    parent.entries.delete(name);
    return node;
  }

  /** Put a folder in sight again, over whatever stands there. */
  attach(path: string, node: DiskNode): void {
    const [parent, name] = this.#parentOf(path);
    parent.entries.set(name, node);
  }

  /** A folder of its own that stands nowhere yet. */
  bareFolder(): DiskNode {
    return this.#make('folder');
  }

  #parentOf(path: string): [DiskNode, string] {
    const parts = partsOf(path);
    const name = parts.pop() ?? '';
    const parent = this.find(parts.join('/'));
    if (parent === undefined) throw systemError('ENOENT', path);
    if (parent.kind === 'file') throw systemError('ENOTDIR', path);
    return [parent, name];
  }

  #journal(undo: () => void): void {
    this.#unsynced.push(undo);
  }

  #touched(folder: DiskNode, path: string): void {
    folder.modifiedAtMs = this.#tick();
    folder.changedAtMs = folder.modifiedAtMs;
    this.onChange(path);
  }

  /** Times of the disk never repeat, as nanoseconds do not. */
  #tick(): number {
    this.#ticks += 1;
    return this.#now() + (this.#ticks % 1000) / 1000;
  }
}

function partsOf(path: string): string[] {
  return path.split('/').filter((part) => part !== '');
}

/** What comes into a folder lies on its disk, unless it is the mount point of another. */
function liesOn(folder: DiskNode, node: DiskNode): void {
  if (node.hides !== undefined) return;
  if (folder.device === undefined) delete node.device;
  else node.device = folder.device;
  for (const below of node.entries.values()) liesOn(node, below);
}

/** Every content in a file or below a folder. */
export function contentsIn(node: DiskNode): string[] {
  return node.kind === 'file' ? [node.bytes.toString()] : [...node.entries.values()].flatMap(contentsIn);
}
