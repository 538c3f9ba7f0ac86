import type { Clock } from '../../clock.ts';
import type { LocalId } from '../../ids.ts';
import type { LocalEntry } from '../tree/entry.ts';
import type { ReadonlyTree } from '../tree/tree.ts';
import type { StatFacts } from './stat-facts.ts';

/**
 * How long a name may be missing before that counts as a deletion: both halves of a move between folders, and a
 * writer that unlinks before it renames, fit in.
 */
const GRACE_MS = 400;
/** One deletion after another does not put the first one off for ever. */
const GRACE_MAX_MS = 4000;

/** Entries whose names are missing on the disk, until they turn up elsewhere or count as deleted. */
export class VanishedEntries {
  readonly #clock: Clock;
  readonly #sinceMs = new Map<LocalId, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#sinceMs.size;
  }

  get ids(): readonly LocalId[] {
    return [...this.#sinceMs.keys()];
  }

  has(id: LocalId): boolean {
    return this.#sinceMs.has(id);
  }

  add(id: LocalId): void {
    if (!this.#sinceMs.has(id)) this.#sinceMs.set(id, this.#clock.monotonic());
  }

  delete(id: LocalId): void {
    this.#sinceMs.delete(id);
  }

  /** When what vanished counts as deleted: all of it together, so that a mass deletion is seen as one. */
  get dueMs(): number | undefined {
    let [first, last] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (const atMs of this.#sinceMs.values()) {
      first = Math.min(first, atMs);
      last = Math.max(last, atMs);
    }
    return this.#sinceMs.size === 0 ? undefined : Math.min(last + GRACE_MS, first + GRACE_MAX_MS);
  }

  /** The vanished entry of the same inode, which is vanished no more: what looks new has moved. */
  takeMoved(facts: StatFacts, tree: ReadonlyTree<LocalId, LocalEntry>): LocalEntry | undefined {
    for (const id of this.#sinceMs.keys()) {
      const node = tree.get(id);
      if (node === undefined || node.kind !== facts.kind || node.inode !== facts.inode) continue;
      this.#sinceMs.delete(id);
      return node;
    }
    return undefined;
  }
}
