import { errnoOf, isSystemError, messageOf } from '../../errors.ts';
import type { LocalId } from '../../ids.ts';
import type { LocalEntry } from '../tree/entry.ts';
import { localNameProblem } from '../tree/name-rules.ts';
import type { LocalObserverOptions } from './local-tree-store.ts';
import { Settling } from './settling.ts';
import { isUnchanged, type StatFacts } from './stat-facts.ts';

/** An entry on the disk that the local tree cannot hold: reported, never followed. */
export interface Unmirrorable {
  readonly path: string;
  readonly reason: 'symbolic-link-or-special-file' | 'unreadable' | 'name-refused';
}

/**
 * How long a name may be missing before that counts as a deletion: both halves of a move between folders, and a
 * writer that unlinks before it renames, fit in.
 */
const VANISH_GRACE_MS = 400;
/** So many entries of a folder are looked at together: one after the other, a hundred thousand take four times as long. */
const LOOKS_TOGETHER = 64;
/** How often a mirrored folder that is gone is looked for. */
const ROOT_LOOK_MS = 1000;
/** How long after a hint its folder is listed once more. */
const ECHO_MS = 300;
/** One deletion after another does not put the first one off for ever. */
const VANISH_MAX_MS = 4000;

/**
 * Looks at the disk and keeps the local tree equal to what it saw.
 *
 * Guarantees: a file enters the tree, or changes in it, only with a hash of content that nobody was writing; an
 * entry that moved keeps its id; absence counts only after a second look. A complete look costs one stat per entry
 * and reads only files whose facts changed.
 */
export class LocalObserver {
  readonly #options: LocalObserverOptions;
  readonly #settling: Settling;
  /** Folders to list again. */
  readonly #dirty = new Set<LocalId>();
  /** Folders to list once more a little later: what happens right after a hint often brings no hint of its own. */
  readonly #echoes = new Map<LocalId, number>();
  readonly #vanished = new Map<LocalId, number>();
  readonly #unmirrorable = new Map<string, Unmirrorable>();
  #rootMissing = false;

  constructor(options: LocalObserverOptions) {
    this.#options = options;
    this.#settling = new Settling(options, (names) => this.#report(names, 'unreadable'));
  }

  /** Entries that are reported instead of mirrored. */
  get unmirrorable(): readonly Unmirrorable[] {
    return [...this.#unmirrorable.values()];
  }

  /** True when the mirrored folder itself is not there: then nothing that is missing below it was deleted. */
  get rootMissing(): boolean {
    return this.#rootMissing;
  }

  /** True when nothing that was seen waits to be understood. */
  get settled(): boolean {
    return this.#dirty.size === 0 && this.#vanished.size === 0 && this.#settling.size === 0;
  }

  /** True while something at this place was seen and is not understood yet: no decision about it would hold. */
  isUnsettled(parentId: LocalId, name: string): boolean {
    const standing = this.#options.store.local.named(parentId, name);
    return this.#settling.has(parentId, name) || standing.some((node) => this.#vanished.has(node.id));
  }

  /** When to look again at what waits; undefined when nothing waits. Units: the monotonic clock's milliseconds. */
  get nextLookAtMs(): number | undefined {
    // Without the folder nothing below it comes any nearer to being understood.
    if (this.#rootMissing) return this.#options.clock.monotonic() + ROOT_LOOK_MS;
    const times = [this.#buryAtMs(), this.#settling.nextLookAtMs, ...this.#echoes.values()].filter(
      (at) => at !== undefined,
    );
    return times.length === 0 ? undefined : Math.min(...times);
  }

  /** Take a hint: something at this absolute path may have changed. */
  hint(path: string): void {
    const names = this.#options.root.namesOf(path);
    if (names === undefined) return;
    const node = this.#find(names);
    const folders = [this.#deepestKnownFolder(names.slice(0, -1)).id];
    if (node?.kind === 'folder') folders.push(node.id);
    for (const id of folders) {
      this.#dirty.add(id);
      this.#echoes.set(id, this.#options.clock.monotonic() + ECHO_MS);
    }
  }

  /** Take a hint about everything. */
  hintAll(): void {
    for (const node of this.#options.store.local.values())
      if (node.kind === 'folder') this.#dirty.add(node.id);
  }

  /** Look at everything that was hinted at, and store what is certain by now. */
  async look(): Promise<void> {
    const root = await this.#lookAt(this.#options.root.path);
    this.#rootMissing = root === 'unknown' || root?.kind !== 'folder';
    if (this.#rootMissing) return;
    this.#takeEchoes();
    const newcomers: Newcomer[] = [];
    while (this.#dirty.size > 0) {
      const folders = [...this.#dirty];
      this.#dirty.clear();
      for (const id of folders) newcomers.push(...(await this.#lookAtFolder(id)));
      this.#placeFolders(newcomers);
    }
    for (const newcomer of newcomers) if (newcomer.facts.kind === 'file') this.#placeFile(newcomer);
    await this.#settling.look();
    await this.#buryVanished();
  }

  #takeEchoes(): void {
    const now = this.#options.clock.monotonic();
    for (const [id, atMs] of this.#echoes) {
      if (atMs > now) continue;
      this.#echoes.delete(id);
      this.#dirty.add(id);
    }
  }

  async #lookAtFolder(id: LocalId): Promise<Newcomer[]> {
    const { store } = this.#options;
    const names = store.local.pathOf(id);
    const found =
      names === undefined || store.local.get(id)?.kind !== 'folder' ? undefined : await this.#list(names);
    if (names === undefined || found === undefined) return [];
    const standing = new Map(store.local.children(id).map((child) => [child.name, child]));
    const newcomers: Newcomer[] = [];
    for (let from = 0; from < found.length; from += LOOKS_TOGETHER) {
      const some = found.slice(from, from + LOOKS_TOGETHER);
      const looks = await Promise.all(some.map((name) => this.#factsOf([...names, name])));
      for (const [index, name] of some.entries()) {
        const facts = looks[index];
        if (facts !== 'unknown' && !this.#recognise(standing.get(name), facts) && facts !== undefined)
          newcomers.push({ parentId: id, name, facts });
        standing.delete(name);
      }
    }
    for (const child of standing.values()) await this.#lookForMissing(child, names);
    return newcomers;
  }

  /** True when what stands there is the known entry, perhaps changed; otherwise the known entry is gone. */
  #recognise(child: LocalEntry | undefined, facts: StatFacts | undefined): boolean {
    if (child === undefined) return false;
    if (child.kind === facts?.kind) this.#lookAtKnown(child, facts);
    else this.#vanish(child.id);
    return child.kind === facts?.kind;
  }

  /** A name that the listing lacked may have come back since. */
  async #lookForMissing(child: LocalEntry, names: readonly string[]): Promise<void> {
    const facts = await this.#lookAt(this.#options.root.resolve([...names, child.name]));
    if (facts !== 'unknown' && facts?.kind !== child.kind) this.#vanish(child.id);
  }

  #lookAtKnown(child: LocalEntry, facts: StatFacts): void {
    this.#vanished.delete(child.id);
    if (child.kind === 'file') {
      if (!isUnchanged(facts, child))
        this.#settling.add({ parentId: child.parentId, name: child.name, id: child.id }, facts);
    } else if (child.inode !== facts.inode) {
      this.#options.store.storeLocal({ put: [{ ...child, inode: facts.inode }], remove: [] });
      for (const node of this.#options.store.local.subtree(child.id))
        if (node.kind === 'folder') this.#dirty.add(node.id);
    }
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
      const former = this.#vanishedWith(facts);
      const id = former?.id ?? store.nextLocalId();
      store.storeLocal({ put: [{ kind: 'folder', id, parentId, name, inode: facts.inode }], remove: [] });
      for (const node of store.local.subtree(id)) if (node.kind === 'folder') this.#dirty.add(node.id);
    }
  }

  #placeFile({ parentId, name, facts }: Newcomer): void {
    const former = this.#vanishedWith(facts);
    const { store } = this.#options;
    const moved =
      former?.kind === 'file' &&
      former.content.sizeBytes === facts.sizeBytes &&
      former.content.modifiedAtMs === facts.modifiedAtMs;
    if (moved)
      store.storeLocal({ put: [{ ...former, parentId, name, changedAtMs: facts.changedAtMs }], remove: [] });
    else this.#settling.add({ parentId, name, id: former?.id }, facts);
  }

  /** A vanished entry of the same inode: what looks new has moved. */
  #vanishedWith(facts: StatFacts): LocalEntry | undefined {
    for (const id of this.#vanished.keys()) {
      const node = this.#options.store.local.get(id);
      if (node !== undefined && node.kind === facts.kind && node.inode === facts.inode) {
        this.#vanished.delete(id);
        return node;
      }
    }
    return undefined;
  }

  #vanish(id: LocalId): void {
    if (!this.#vanished.has(id)) this.#vanished.set(id, this.#options.clock.monotonic());
  }

  /** When what vanished counts as deleted: all of it together, so that a mass deletion is seen as one. */
  #buryAtMs(): number | undefined {
    if (this.#vanished.size === 0) return undefined;
    const times = [...this.#vanished.values()];
    return Math.min(Math.max(...times) + VANISH_GRACE_MS, Math.min(...times) + VANISH_MAX_MS);
  }

  /** Take what stayed away out of the tree, after a last look. */
  async #buryVanished(): Promise<void> {
    const { store, clock, root } = this.#options;
    if (clock.monotonic() < (this.#buryAtMs() ?? Infinity)) return;
    for (const id of [...this.#vanished.keys()]) {
      const names = store.local.pathOf(id);
      const node = store.local.get(id);
      const facts = names === undefined ? undefined : await this.#lookAt(root.resolve(names));
      this.#vanished.delete(id);
      if (node === undefined || facts === 'unknown') continue;
      const rootFacts = await this.#lookAt(root.path);
      if (facts?.kind === node.kind) this.#dirty.add(node.parentId ?? node.id);
      else if (rootFacts !== 'unknown' && rootFacts?.kind === 'folder') {
        store.storeLocal({
          put: [],
          remove: store.local
            .subtree(id)
            .map((each) => each.id)
            .reverse(),
        });
      }
    }
  }

  async #list(names: readonly string[]): Promise<string[] | undefined> {
    try {
      const path = await this.#options.root.assertPlainFolder(names);
      return [...(await this.#options.root.files.list(path))].sort();
    } catch (error) {
      // A folder that cannot be listed tells nothing about what is in it; one that vanished shows in its parent.
      if (errnoOf(error) === 'EACCES' || errnoOf(error) === 'EPERM') this.#report(names, 'unreadable');
      this.#options.logger.debug(
        { path: names.join('/'), error: messageOf(error) },
        'a folder could not be listed',
      );
      return undefined;
    }
  }

  /** What stands at a path. A disk that fails to tell tells nothing: neither presence nor absence. */
  async #lookAt(path: string): Promise<StatFacts | undefined | 'unknown'> {
    try {
      return await this.#options.root.files.facts(path);
    } catch (error) {
      if (!isSystemError(error)) throw error;
      this.#options.logger.warn({ path, error: messageOf(error) }, 'the disk could not be looked at');
      return 'unknown';
    }
  }

  async #factsOf(names: readonly string[]): Promise<StatFacts | undefined | 'unknown'> {
    if (localNameProblem(names.at(-1) ?? '') !== undefined) return this.#report(names, 'name-refused');
    const facts = await this.#lookAt(this.#options.root.resolve(names));
    if (facts === 'unknown') this.#report(names, 'unreadable');
    if (
      facts === 'unknown' ||
      facts === undefined ||
      this.#options.ignored(names, facts.kind === 'folder' ? 'folder' : 'file')
    )
      return facts === 'unknown' ? facts : undefined;
    if (facts.kind === 'other') return this.#report(names, 'symbolic-link-or-special-file');
    this.#unmirrorable.delete(names.join('/'));
    return facts;
  }

  #report(names: readonly string[], reason: Unmirrorable['reason']): undefined {
    const path = names.join('/');
    this.#unmirrorable.set(path, { path, reason });
    return undefined;
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
