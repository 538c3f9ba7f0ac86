import { errnoOf, isSystemError, messageOf } from '../../errors.ts';
import type { LocalId } from '../../ids.ts';
import type { LocalEntry } from '../tree/entry.ts';
import { localNameProblem } from '../tree/name-rules.ts';
import type { LocalObserverOptions } from './local-tree-store.ts';
import { deviceOf, type StatFacts } from './stat-facts.ts';
import type { UnmirrorableEntries, UnmirrorableReason } from './unmirrorable.ts';

/** What stands at a path; a disk that fails to tell tells nothing: neither presence nor absence. */
export type Seen = StatFacts | undefined | 'unknown';

/** How names are shown that are no valid UTF-8: no such name can be looked at. */
const REPLACEMENT = '\ufffd';

/** Looks at the mirrored folder for the observer, and reports what cannot be mirrored. */
export class DiskReader {
  readonly #options: LocalObserverOptions;
  readonly #unmirrorable: UnmirrorableEntries;
  /** Known folders in whose place another disk's stands, or stood when it was last seen. */
  readonly #onAnotherDisk = new Set<LocalId>();

  constructor(options: LocalObserverOptions, unmirrorable: UnmirrorableEntries) {
    this.#options = options;
    this.#unmirrorable = unmirrorable;
  }

  /** The names in a folder, in order; undefined when they are not known. */
  async list(names: readonly string[]): Promise<string[] | undefined> {
    try {
      const path = await this.#options.root.assertPlainFolder(names);
      return [...(await this.#options.root.files.list(path))].sort();
    } catch (error) {
      // A folder that cannot be listed tells nothing about what is in it; one that vanished shows in its parent.
      if (errnoOf(error) === 'EACCES' || errnoOf(error) === 'EPERM')
        this.#unmirrorable.report(names, 'unreadable');
      this.#options.logger.debug(
        { path: names.join('/'), error: messageOf(error) },
        'a folder could not be listed',
      );
      return undefined;
    }
  }

  /** What stands at a path. */
  async at(path: string): Promise<Seen> {
    try {
      return await this.#options.root.files.facts(path);
    } catch (error) {
      if (!isSystemError(error)) throw error;
      this.#options.logger.warn({ path, error: messageOf(error) }, 'the disk could not be looked at');
      return 'unknown';
    }
  }

  /** What stands under a listed name, if it can be mirrored. */
  async entry(names: readonly string[]): Promise<Seen> {
    if (localNameProblem(names.at(-1) ?? '') !== undefined) return this.#report(names, 'name-refused');
    const facts = await this.at(this.#options.root.resolve(names));
    if (facts === 'unknown') this.#unmirrorable.report(names, 'unreadable');
    if (facts === undefined && names.at(-1)?.includes(REPLACEMENT))
      return this.#report(names, 'name-not-utf8');
    if (
      facts === 'unknown' ||
      facts === undefined ||
      this.#options.ignored(names, facts.kind === 'folder' ? 'folder' : 'file')
    )
      return facts === 'unknown' ? facts : undefined;
    if (facts.kind === 'other') return this.#report(names, 'symbolic-link-or-special-file');
    // Whether a file can be read is known when it is.
    this.#unmirrorable.clear(names, facts.kind === 'file' ? 'unreadable' : undefined);
    return facts;
  }

  /** False for a folder that stands on another disk than when it was known: its former content was not deleted. */
  async isOnKnownDisk(id: LocalId): Promise<boolean> {
    const { store, root } = this.#options;
    const folder = store.local.get(id);
    const names = store.local.pathOf(id);
    if (folder === undefined || names === undefined) return false;
    if (names.length === 0) return true;
    const facts = await this.at(root.resolve(names));
    if (facts === undefined || facts === 'unknown') return false;
    if (deviceOf(facts.inode) === deviceOf(folder.inode)) {
      this.#onAnotherDisk.delete(id);
      this.#unmirrorable.clear(names);
      return true;
    }
    this.reportAnotherDisk(id, names);
    return false;
  }

  /** Remember that a folder of another disk stands where a known one did. */
  reportAnotherDisk(id: LocalId, names: readonly string[]): void {
    this.#onAnotherDisk.add(id);
    this.#unmirrorable.report(names, 'another-disk');
  }

  /**
   * True for a missing entry that was last seen as another disk's, or has such a folder below: what somebody removed or
   * moved was the other disk's folder, which says nothing of the known one.
   */
  keepsForItsDisk(entry: LocalEntry): boolean {
    const { local } = this.#options.store;
    const away = local.subtree(entry.id).find(({ id }) => this.#onAnotherDisk.has(id));
    if (away !== undefined) this.#unmirrorable.report(local.pathOf(away.id) ?? [away.name], 'another-disk');
    return away !== undefined;
  }

  /** True when the folder that an entry is missing in, or one above it, is the one in which it was known. */
  async isWitnessed(node: LocalEntry | undefined): Promise<boolean> {
    const { store, root } = this.#options;
    let parent = node?.parentId == null ? undefined : store.local.get(node.parentId);
    while (parent !== undefined && parent.parentId !== null) {
      const names = store.local.pathOf(parent.id);
      const facts = names === undefined ? undefined : await this.at(root.resolve(names));
      if (facts === 'unknown') return false;
      if (facts?.kind === 'folder') return deviceOf(facts.inode) === deviceOf(parent.inode);
      // The folder is gone as well: what is above it tells whether that counts.
      parent = store.local.get(parent.parentId);
    }
    return true;
  }

  #report(names: readonly string[], reason: UnmirrorableReason): undefined {
    this.#unmirrorable.report(names, reason);
    return undefined;
  }
}
