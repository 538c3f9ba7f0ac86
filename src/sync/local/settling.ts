import { isSystemError } from '../../errors.ts';
import type { LocalId } from '../../ids.ts';
import type { LocalFile } from '../tree/entry.ts';
import { type HashedFile, hashFile } from './hasher.ts';
import type { LocalObserverOptions } from './local-tree-store.ts';
import { type StatFacts, sameFacts } from './stat-facts.ts';

/** Where a file that may still be written stands in the local tree. */
export interface Place {
  readonly parentId: LocalId | null;
  readonly name: string;
  /** The node whose content changed; absent for a new file. */
  readonly id: LocalId | undefined;
}

interface Candidate {
  readonly place: Place;
  facts: StatFacts;
  /** Since when the facts have not changed. Units: the monotonic clock's milliseconds. */
  quietSinceMs: number;
  /** How often the facts changed while it was watched. */
  changes: number;
}

/** Control files (heartbeats, authentications) are small and written in one go. */
const SMALL_BYTES = 64 * 1024;
const SMALL_QUIET_MS = 25;
const LARGE_QUIET_MS = 500;
const LARGE_QUIET_MAX_MS = 4000;
/** A file that was seen to change this often is written bit by bit: then the wait doubles with each change. */
const CHANGES_EXPECTED = 3;
/** A file that was last modified this long ago is not being written: a copy with its times kept, or a first scan. */
const OLD_ENOUGH_MS = 3000;

/**
 * Files seen to be new or changed, until nobody writes to them any more and their content is hashed.
 *
 * Guarantees: a file enters the local tree only with the hash of bytes that did not change while they were read.
 */
export class Settling {
  readonly #options: LocalObserverOptions;
  readonly #onUnreadable: (names: readonly string[]) => void;
  readonly #candidates = new Map<string, Candidate>();

  /** `onUnreadable` is told of files that cannot be read; the next look at their folder tries again. */
  constructor(options: LocalObserverOptions, onUnreadable: (names: readonly string[]) => void) {
    this.#options = options;
    this.#onUnreadable = onUnreadable;
  }

  get size(): number {
    return this.#candidates.size;
  }

  /** True while the file of this name is not known as it is. */
  has(parentId: LocalId, name: string): boolean {
    return this.#candidates.has(`${parentId}/${name}`);
  }

  /** When the next file may have come to rest; undefined when none waits. */
  get nextLookAtMs(): number | undefined {
    let next: number | undefined;
    for (const candidate of this.#candidates.values()) {
      const at = candidate.quietSinceMs + quietMs(candidate);
      if (next === undefined || at < next) next = at;
    }
    return next;
  }

  /** Watch a file until it rests. */
  add(place: Place, facts: StatFacts): void {
    const key = `${place.parentId}/${place.name}`;
    const known = this.#candidates.get(key);
    const same = known !== undefined && sameFacts(known.facts, facts);
    const quietSinceMs = same ? known.quietSinceMs : this.#startOfQuiet(facts);
    const changes = known === undefined ? 0 : known.changes + (same ? 0 : 1);
    this.#candidates.set(key, {
      place: { ...place, id: place.id ?? known?.place.id },
      facts,
      quietSinceMs,
      changes,
    });
  }

  /** Hash what rests, and store it. */
  async look(): Promise<void> {
    for (const [key, candidate] of this.#candidates) {
      if (this.#options.signal.aborted) return;
      if (this.#options.clock.monotonic() < candidate.quietSinceMs + quietMs(candidate)) continue;
      if (await this.#settle(candidate)) this.#candidates.delete(key);
    }
  }

  /** True when the file needs no more watching. */
  async #settle(candidate: Candidate): Promise<boolean> {
    const { store, root, signal } = this.#options;
    const { place } = candidate;
    const parentNames = place.parentId === null ? undefined : store.local.pathOf(place.parentId);
    if (parentNames === undefined || place.parentId === null) return true;
    const names = [...parentNames, place.name];
    let read: HashedFile | 'gone' | 'restless';
    try {
      read = await this.#read(candidate, root.resolve(names));
    } catch (error) {
      if (signal.aborted || !isSystemError(error)) throw error;
      this.#onUnreadable(names);
      return true;
    }
    if (read !== 'gone' && read !== 'restless') this.#store(place, place.parentId, read);
    return read !== 'restless';
  }

  async #read(candidate: Candidate, path: string): Promise<HashedFile | 'gone' | 'restless'> {
    const { files } = this.#options.root;
    const facts = await files.facts(path);
    if (facts?.kind !== 'file') return 'gone';
    if (!sameFacts(facts, candidate.facts)) return this.#restart(candidate, facts);
    const hashed = await hashFile(files, path, this.#options.signal);
    if (hashed !== undefined && sameFacts(hashed.facts, facts)) return hashed;
    return this.#restart(candidate, (await files.facts(path)) ?? facts);
  }

  #store(place: Place, parentId: LocalId, { facts, sha1 }: HashedFile): void {
    const { store } = this.#options;
    // The engine itself may have put this very file here meanwhile; its node is then the one to keep.
    const standing = store.local.named(parentId, place.name).find((node) => node.name === place.name);
    const file: LocalFile = {
      kind: 'file',
      id: standing?.id ?? place.id ?? store.nextLocalId(),
      parentId,
      name: place.name,
      inode: facts.inode,
      content: { sha1, sizeBytes: facts.sizeBytes, modifiedAtMs: facts.modifiedAtMs },
      changedAtMs: facts.changedAtMs,
    };
    store.storeLocal({ put: [file], remove: [] });
  }

  #restart(candidate: Candidate, facts: StatFacts): 'restless' {
    candidate.facts = facts;
    candidate.changes += 1;
    candidate.quietSinceMs = this.#options.clock.monotonic();
    return 'restless';
  }

  #startOfQuiet(facts: StatFacts): number {
    const { clock } = this.#options;
    const old = clock.now() - Math.max(facts.modifiedAtMs, facts.changedAtMs) > OLD_ENOUGH_MS;
    return old ? clock.monotonic() - LARGE_QUIET_MAX_MS : clock.monotonic();
  }
}

/** How long a file must stand unchanged: longer each time that it was seen to grow on, hardly when it was renamed. */
function quietMs({ facts, changes }: Pick<Candidate, 'facts' | 'changes'>): number {
  if (facts.sizeBytes <= SMALL_BYTES || wasRenamedHere(facts)) return SMALL_QUIET_MS;
  return Math.min(LARGE_QUIET_MAX_MS, LARGE_QUIET_MS * 2 ** Math.max(0, changes - CHANGES_EXPECTED));
}

/**
 * True for a file whose last write was over before its name was given: a rename changes the inode, not the content.
 * Every write sets both times to the same instant, so a file that is being written does not look like it. How much lies
 * between them says nothing more: a fast disk has synced ten megabytes within a millisecond.
 */
function wasRenamedHere({ changedAtMs, modifiedAtMs }: StatFacts): boolean {
  return changedAtMs > modifiedAtMs;
}
