import type { LocalId } from '../../ids.ts';
import type { LocalEntry } from '../tree/entry.ts';
import { DiskReader } from './disk-reader.ts';
import type { LocalObserverOptions } from './local-tree-store.ts';
import { forgetfulMemory, RootGuard, type RootStanding } from './root-guard.ts';
import { Settling } from './settling.ts';
import { deviceOf, isUnchanged, type StatFacts } from './stat-facts.ts';
import { type Unmirrorable, UnmirrorableEntries } from './unmirrorable.ts';
import { VanishedEntries } from './vanished.ts';

/** So many entries of a folder are looked at together: one after the other, a hundred thousand take four times as long. */
const LOOKS_TOGETHER = 64;
/** A look at everything goes on in the next one after so many folders: what was hinted at comes first. */
const FOLDERS_AT_ONCE = 200;
/** How often a mirrored folder that is gone is looked for. */
const ROOT_LOOK_MS = 1000;
/** How long after a hint its folder is listed once more. */
const ECHO_MS = 300;

/**
 * Looks at the disk and keeps the local tree equal to what it saw.
 *
 * Guarantees: a file enters the tree, or changes in it, only with a hash of content that nobody was writing; an
 * entry that moved keeps its id; absence counts only after a second look, below the very folder that is mirrored and on
 * the disk on which the entry was known. A complete look costs one stat per entry and reads only files whose facts
 * changed; what was hinted at does not wait for it.
 */
export class LocalObserver {
  readonly #options: LocalObserverOptions;
  readonly #guard: RootGuard;
  readonly #settling: Settling;
  /** Folders to list again, because of a hint. */
  readonly #hinted = new Set<LocalId>();
  /** Folders to list again in a look at everything. */
  readonly #scanning = new Set<LocalId>();
  /** New files that a look at everything found: where they came from is known when it is over. */
  #found: Newcomer[] = [];
  /** Folders to list once more a little later: what happens right after a hint often brings no hint of its own. */
  readonly #echoes = new Map<LocalId, number>();
  /** Until everything was looked at once: what stands there now is what somebody mounted. */
  #isFirstLook = true;
  readonly #vanished: VanishedEntries;
  readonly #unmirrorable = new UnmirrorableEntries();
  readonly #reader: DiskReader;

  constructor(options: LocalObserverOptions) {
    this.#options = options;
    this.#guard = options.guard ?? new RootGuard({ ...options, memory: forgetfulMemory() });
    this.#reader = new DiskReader(options, this.#unmirrorable);
    this.#vanished = new VanishedEntries(options.clock);
    this.#settling = new Settling(options, {
      unreadable: (names) => this.#unmirrorable.report(names, 'unreadable'),
      read: (names) => this.#unmirrorable.clear(names),
      heldOpen: (texts) => options.onHeldOpen?.(texts),
      hashed: () => options.onNews?.(),
    });
  }

  /** Entries that are reported instead of mirrored. */
  get unmirrorable(): readonly Unmirrorable[] {
    return this.#unmirrorable.all;
  }

  /** What stands where the mirrored folder should: unless it is that folder, nothing below it counts. */
  get rootStanding(): RootStanding {
    return this.#guard.standing;
  }

  /** True when the mirrored folder itself is not there: then nothing that is missing below it was deleted. */
  get rootMissing(): boolean {
    return this.#guard.standing !== 'there';
  }

  /** True when nothing that was seen waits to be understood. */
  get settled(): boolean {
    return (
      this.#hinted.size + this.#scanning.size + this.#found.length === 0 &&
      this.#vanished.size === 0 &&
      this.#settling.size === 0
    );
  }

  /** True while something at this place was seen and is not understood yet: no decision about it would hold. */
  isUnsettled(parentId: LocalId, name: string): boolean {
    const standing = this.#options.store.local.named(parentId, name);
    return this.#settling.has(parentId, name) || standing.some((node) => this.#vanished.has(node.id));
  }

  /** When to look again at what waits; undefined when nothing waits. Units: the monotonic clock's milliseconds. */
  get nextLookAtMs(): number | undefined {
    const now = this.#options.clock.monotonic();
    // Without the folder nothing below it comes any nearer to being understood.
    if (this.rootMissing) return now + ROOT_LOOK_MS;
    if (this.#scanning.size > 0) return now;
    const times = [this.#vanished.dueMs, this.#settling.nextLookAtMs, ...this.#echoes.values()].filter(
      (at) => at !== undefined,
    );
    return times.length === 0 ? undefined : times.reduce((one, other) => Math.min(one, other));
  }

  /** Take a hint: something at this absolute path may have changed. */
  hint(path: string): void {
    const names = this.#options.root.namesOf(path);
    if (names === undefined) return;
    const node = this.#find(names);
    const folders = [this.#deepestKnownFolder(names.slice(0, -1)).id];
    if (node?.kind === 'folder') folders.push(node.id);
    for (const id of folders) {
      this.#hinted.add(id);
      this.#echoes.set(id, this.#options.clock.monotonic() + ECHO_MS);
    }
  }

  /** Take a hint about everything. */
  hintAll(): void {
    for (const node of this.#options.store.local.values())
      if (node.kind === 'folder') this.#scanning.add(node.id);
  }

  /** Look at what was hinted at and at a part of what is left of a look at everything; store what is certain by now. */
  async look(): Promise<void> {
    if ((await this.#guard.look()) !== 'there') return;
    this.#takeEchoes();
    const newcomers: Newcomer[] = [];
    while (this.#hinted.size > 0) {
      const folders = [...this.#hinted];
      this.#hinted.clear();
      await this.#lookAtFolders(folders, newcomers);
    }
    await this.#scan();
    if (this.#scanning.size === 0) this.#isFirstLook = false;
    if (this.#scanning.size === 0) for (const each of this.#found.splice(0)) newcomers.push(each);
    for (const newcomer of newcomers) if (newcomer.facts.kind === 'file') this.#placeFile(newcomer);
    await this.#settling.look();
    // Where something moved to is known only when everything was looked at.
    if (this.#scanning.size === 0) await this.#buryVanished();
  }

  /** Wait for what is being read. The signal ends it. */
  async close(): Promise<void> {
    await this.#settling.close();
  }

  async #scan(): Promise<void> {
    for (let left = FOLDERS_AT_ONCE; left > 0 && this.#scanning.size > 0; ) {
      const folders = [...this.#scanning].slice(0, left);
      for (const id of folders) this.#scanning.delete(id);
      left -= folders.length;
      await this.#lookAtFolders(folders, this.#found);
    }
  }

  async #lookAtFolders(folders: readonly LocalId[], newcomers: Newcomer[]): Promise<void> {
    const found: Newcomer[] = [];
    for (const id of folders) for (const each of await this.#lookAtFolder(id)) found.push(each);
    this.#placeFolders(found);
    for (const each of found) newcomers.push(each);
  }

  #takeEchoes(): void {
    const now = this.#options.clock.monotonic();
    for (const [id, atMs] of this.#echoes) {
      if (atMs > now) continue;
      this.#echoes.delete(id);
      this.#hinted.add(id);
    }
  }

  async #lookAtFolder(id: LocalId): Promise<Newcomer[]> {
    const { store } = this.#options;
    const names = store.local.pathOf(id);
    const found =
      names === undefined || store.local.get(id)?.kind !== 'folder'
        ? undefined
        : await this.#reader.list(names);
    if (names === undefined || found === undefined) return [];
    if (!(await this.#reader.isOnKnownDisk(id))) return [];
    this.#unmirrorable.listed(names, new Set(found));
    const standing = new Map(store.local.children(id).map((child) => [child.name, child]));
    const newcomers: Newcomer[] = [];
    for (let from = 0; from < found.length; from += LOOKS_TOGETHER) {
      const some = found.slice(from, from + LOOKS_TOGETHER);
      const looks = await Promise.all(some.map((name) => this.#reader.entry([...names, name])));
      for (const [index, name] of some.entries()) {
        const facts = looks[index];
        if (facts !== 'unknown' && !this.#recognise(standing.get(name), facts) && facts !== undefined)
          newcomers.push({ parentId: id, name, facts });
        standing.delete(name);
      }
    }
    for (const child of standing.values())
      if (!this.#reader.keepsForItsDisk(child)) await this.#lookForMissing(child, names);
    return newcomers;
  }

  /** True when what stands there is the known entry, perhaps changed; otherwise the known entry is gone. */
  #recognise(child: LocalEntry | undefined, facts: StatFacts | undefined): boolean {
    if (child === undefined) return false;
    if (child.kind === facts?.kind) this.#lookAtKnown(child, facts);
    else this.#vanished.add(child.id);
    return child.kind === facts?.kind;
  }

  /** A name that the listing lacked may have come back since. */
  async #lookForMissing(child: LocalEntry, names: readonly string[]): Promise<void> {
    const facts = await this.#reader.at(this.#options.root.resolve([...names, child.name]));
    if (facts !== 'unknown' && facts?.kind !== child.kind) this.#vanished.add(child.id);
  }

  #lookAtKnown(child: LocalEntry, facts: StatFacts): void {
    this.#vanished.delete(child.id);
    if (child.kind === 'file') {
      if (!isUnchanged(facts, child))
        this.#settling.add({ parentId: child.parentId, name: child.name, id: child.id }, facts);
    } else if (child.inode !== facts.inode) this.#lookAtReplaced(child, facts);
  }

  /** Another folder of the same name; on another disk it is a mount point, of which nothing is believed. */
  #lookAtReplaced(child: LocalEntry, facts: StatFacts): void {
    const { store } = this.#options;
    if (deviceOf(child.inode) !== deviceOf(facts.inode)) {
      if (this.#isFirstLook) this.#guard.adopt(child.id, facts.inode);
      else this.#reader.reportAnotherDisk(child.id, store.local.pathOf(child.id) ?? [child.name]);
      return;
    }
    store.storeLocal({ put: [{ ...child, inode: facts.inode }], remove: [] });
    for (const node of store.local.subtree(child.id)) if (node.kind === 'folder') this.#hinted.add(node.id);
  }

  /** New folders first, parents before children: a moved one brings its known subtree along. */
  #placeFolders(newcomers: readonly Newcomer[]): void {
    const { store } = this.#options;
    for (const { parentId, name, facts } of newcomers) {
      if (
        facts.kind !== 'folder' ||
        store.local.named(parentId, name).some((node) => node.name === name && node.inode === facts.inode)
      )
        continue;
      const former = this.#vanished.takeMoved(facts, store.local);
      const id = former?.id ?? store.nextLocalId();
      store.storeLocal({ put: [{ kind: 'folder', id, parentId, name, inode: facts.inode }], remove: [] });
      for (const node of store.local.subtree(id)) if (node.kind === 'folder') this.#hinted.add(node.id);
    }
  }

  #placeFile({ parentId, name, facts }: Newcomer): void {
    const { store } = this.#options;
    const former = this.#vanished.takeMoved(facts, store.local);
    const moved =
      former?.kind === 'file' &&
      former.content.sizeBytes === facts.sizeBytes &&
      former.content.modifiedAtMs === facts.modifiedAtMs;
    if (moved)
      store.storeLocal({ put: [{ ...former, parentId, name, changedAtMs: facts.changedAtMs }], remove: [] });
    else this.#settling.add({ parentId, name, id: former?.id }, facts);
  }

  /** Take what stayed away out of the tree, after a last look. */
  async #buryVanished(): Promise<void> {
    const { store, clock, root } = this.#options;
    if (clock.monotonic() < (this.#vanished.dueMs ?? Number.POSITIVE_INFINITY)) return;
    for (const id of this.#vanished.ids) {
      const names = store.local.pathOf(id);
      const node = store.local.get(id);
      const facts = names === undefined ? undefined : await this.#reader.at(root.resolve(names));
      const isWitnessed = await this.#reader.isWitnessed(node);
      // Without its witness nothing is gone: what is missing stays known as it was.
      if ((await this.#guard.look()) !== 'there') return;
      this.#vanished.delete(id);
      if (node === undefined || facts === 'unknown' || !isWitnessed) continue;
      if (facts?.kind === node.kind) this.#hinted.add(node.parentId ?? node.id);
      else {
        const below = store.local.subtree(id).map((each) => each.id);
        store.storeLocal({ put: [], remove: below.reverse() });
      }
    }
  }

  #find(names: readonly string[]): LocalEntry | undefined {
    let node: LocalEntry | undefined = this.#options.store.localRoot;
    for (const name of names) {
      if (node === undefined) return undefined;
      node = this.#options.store.local.named(node.id, name).find((each) => each.name === name);
    }
    return node;
  }

  #deepestKnownFolder(names: readonly string[]): LocalEntry {
    for (let depth = names.length; depth > 0; depth -= 1) {
      const node = this.#find(names.slice(0, depth));
      if (node?.kind === 'folder') return node;
    }
    return this.#options.store.localRoot;
  }
}

interface Newcomer {
  readonly parentId: LocalId;
  readonly name: string;
  readonly facts: StatFacts;
}
