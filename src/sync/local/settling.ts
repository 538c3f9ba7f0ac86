import type { Clock } from '../../clock.ts';
import { isSystemError } from '../../errors.ts';
import type { LocalId } from '../../ids.ts';
import { isBulkName } from '../tree/bulk-names.ts';
import type { LocalFile } from '../tree/entry.ts';
import { FewAtOnce } from './few-at-once.ts';
import { FormerNames } from './former-names.ts';
import { GrowthPace } from './growth-pace.ts';
import { type HashedFile, hashFile } from './hasher.ts';
import type { LocalObserverOptions } from './local-tree-store.ts';
import { OpenWriters } from './open-writers.ts';
import { type StatFacts, sameFacts, wasRenamedHere } from './stat-facts.ts';

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
  /** While somebody holds it open for writing: when that is asked again. */
  askAgainMs: number;
  isHashing: boolean;
  /** Whether it had another name here before: a program may go on working on it. */
  readonly wasRenamed: boolean;
}

/** Told of what keeps files from being taken. */
export interface SettlingNews {
  unreadable(names: readonly string[]): void;
  /** A file was read that may have been unreadable before. */
  read(names: readonly string[]): void;
  /** Somebody holds these files open for writing: sentences for a person. */
  heldOpen?(texts: readonly string[]): void;
  /** A file was hashed beside the loop: look again. */
  hashed?(): void;
}

/** Control files (heartbeats, authentications) are small and written in one go. */
const SMALL_BYTES = 64 * 1024;
const SMALL_QUIET_MS = 25;
const LARGE_QUIET_MS = 500;
const LARGE_QUIET_MAX_MS = 4000;
/** A file that was seen to change this often is written bit by bit: then the wait doubles with each change. */
const CHANGES_EXPECTED = 3;
/** A file that stays open for writing is taken all the same after so long without a change: a log, a forgotten handle. */
const OPEN_MAX_MS = { small: 10_000, large: 120_000 };
/** How often it is asked whether a file is still open: a share of the time that it has rested, within these limits. */
const ASK_AGAIN_MS = { min: 100, max: 2_000, share: 1 / 4 };
/** An empty file of a format that is never empty is waited for: content comes to it in a moment. */
const EMPTY_QUIET_MS = 10_000;
const SMALL_HASHES_MAX = 4;
const LARGE_HASHES_MAX = 2;

/**
 * Files seen to be new or changed, until nobody writes to them any more and their content is hashed.
 *
 * Guarantees: a file enters the local tree only with the hash of bytes that did not change while they were read; whether
 * it rests is judged by the changes that were seen, never by comparing a file's time with this machine's clock; a file
 * that somebody holds open for writing is waited for, within a bound; hashing runs beside the loop, small files first.
 */
export class Settling {
  readonly #options: LocalObserverOptions;
  readonly #news: SettlingNews;
  readonly #candidates = new Map<string, Candidate>();
  readonly #growth: GrowthPace;
  readonly #small = new FewAtOnce(SMALL_HASHES_MAX);
  readonly #large = new FewAtOnce(LARGE_HASHES_MAX);
  readonly #hashed: { readonly key: string; readonly candidate: Candidate; readonly read: HashedFile }[] = [];
  readonly #writers: OpenWriters;
  readonly #former = new FormerNames();
  #failure: unknown;

  constructor(options: LocalObserverOptions, news: SettlingNews) {
    this.#options = options;
    this.#news = news;
    this.#growth = new GrowthPace(options.clock);
    this.#writers = new OpenWriters(options);
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
    for (const [key, candidate] of this.#candidates) {
      if (candidate.isHashing) continue;
      const at = this.#dueMs(key, candidate);
      if (next === undefined || at < next) next = at;
    }
    return next;
  }

  /** Watch a file until it rests. */
  add(place: Place, facts: StatFacts): void {
    const key = `${place.parentId}/${place.name}`;
    const known = this.#candidates.get(key);
    if (known !== undefined && sameFacts(known.facts, facts)) return;
    this.#candidates.set(key, {
      place: { ...place, id: place.id ?? known?.place.id },
      facts,
      quietSinceMs: this.#options.clock.monotonic(),
      changes: known === undefined ? 0 : known.changes + 1,
      askAgainMs: 0,
      isHashing: false,
      wasRenamed: this.#former.see(facts.inode, key) || this.#isKnown(place, facts),
    });
  }

  /** Whether it is the very file that stands in the tree, under this name or the one that it had. */
  #isKnown({ id }: Place, { inode }: StatFacts): boolean {
    const node = id === undefined ? undefined : this.#options.store.local.get(id);
    return node?.kind === 'file' && node.inode === inode;
  }

  /** Store what was hashed since the last look, and begin to hash what rests. */
  async look(): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    this.#storeHashed();
    const now = this.#options.clock.monotonic();
    const due = [...this.#candidates]
      .filter(([key, candidate]) => !candidate.isHashing && now >= this.#dueMs(key, candidate))
      .sort(([, one], [, other]) => one.facts.sizeBytes - other.facts.sizeBytes);
    if (due.length === 0) return;
    const free = await this.#withoutWriters(due);
    for (const [key, candidate] of free) this.#begin(key, candidate);
  }

  /** Wait for what is being hashed. The signal ends it. */
  async close(): Promise<void> {
    this.#small.clear();
    this.#large.clear();
    await Promise.all([this.#small.idle(), this.#large.idle()]);
  }

  #dueMs(key: string, candidate: Candidate): number {
    const { quietSinceMs, facts, askAgainMs } = candidate;
    const restedMs = quietSinceMs + this.#quietMs(candidate);
    return Math.max(restedMs, askAgainMs, this.#growth.dueMs(key, facts));
  }

  /** How long a file must stand unchanged: longer each time that it was seen to grow on, hardly when it was renamed. */
  #quietMs({ place, facts, changes }: Candidate): number {
    if (facts.sizeBytes === 0 && isBulkName(place.name)) return EMPTY_QUIET_MS;
    const small = facts.sizeBytes <= SMALL_BYTES && !(this.#writers.areUnknown && isBulkName(place.name));
    if (small || wasRenamedHere(facts)) return SMALL_QUIET_MS;
    return Math.min(LARGE_QUIET_MAX_MS, LARGE_QUIET_MS * 2 ** Math.max(0, changes - CHANGES_EXPECTED));
  }

  /** Leave out what somebody is still writing. */
  async #withoutWriters(due: readonly (readonly [string, Candidate])[]) {
    const { clock } = this.#options;
    const writers = await this.#writers.among(due.map(([, candidate]) => this.#pathOf(candidate)));
    if (writers === 'later') {
      for (const [, candidate] of due) candidate.askAgainMs = this.#writers.notBeforeMs;
      return [];
    }
    const held: string[] = [];
    const free = due.filter(([key, candidate]) => {
      if (this.#candidates.get(key) !== candidate) return false;
      const path = this.#pathOf(candidate);
      const who = path === undefined ? undefined : writers.get(path);
      const restedMs = clock.monotonic() - candidate.quietSinceMs;
      const isHeld = who !== undefined && restedMs < openMaxMs(candidate);
      if (!isHeld) return true;
      held.push(`${path} is open for writing by ${who}`);
      candidate.askAgainMs = clock.monotonic() + askAgainMs(restedMs);
      return false;
    });
    this.#news.heldOpen?.(held);
    return free;
  }

  #begin(key: string, candidate: Candidate): void {
    const path = this.#pathOf(candidate);
    if (path === undefined) {
      this.#candidates.delete(key);
      return;
    }
    candidate.isHashing = true;
    const lane = candidate.facts.sizeBytes <= SMALL_BYTES ? this.#small : this.#large;
    lane.add(async () => {
      try {
        if (!this.#options.signal.aborted) await this.#hash(key, candidate, path);
      } catch (error) {
        if (!this.#options.signal.aborted) this.#failed(key, candidate, error);
      }
      candidate.isHashing = false;
      this.#news.hashed?.();
    });
  }

  async #hash(key: string, candidate: Candidate, path: string): Promise<void> {
    const { files } = this.#options.root;
    const facts = await files.facts(path);
    if (this.#candidates.get(key) !== candidate) return;
    if (facts?.kind !== 'file') {
      this.#candidates.delete(key);
      return;
    }
    if (!sameFacts(facts, candidate.facts)) return restart(candidate, facts, this.#options.clock);
    const read = await hashFile(files, path, {
      signal: this.#options.signal,
      flush: mayBeMapped(candidate, facts),
    });
    if (this.#candidates.get(key) !== candidate) return;
    if (read !== undefined && sameFacts(read.facts, facts)) this.#hashed.push({ key, candidate, read });
    else restart(candidate, (await files.facts(path)) ?? facts, this.#options.clock);
  }

  #failed(key: string, candidate: Candidate, error: unknown): void {
    if (isSystemError(error)) this.#giveUp(key, candidate);
    else this.#failure = error;
  }

  /** The next look at its folder tries again. */
  #giveUp(key: string, candidate: Candidate): void {
    const names = this.#namesOf(candidate.place);
    if (this.#candidates.get(key) === candidate) this.#candidates.delete(key);
    if (names !== undefined) this.#news.unreadable(names);
  }

  #storeHashed(): void {
    const files: LocalFile[] = [];
    for (const { key, candidate, read } of this.#hashed.splice(0)) {
      if (this.#candidates.get(key) !== candidate) continue;
      this.#candidates.delete(key);
      const file = this.#fileOf(candidate.place, read);
      if (file === undefined) continue;
      this.#growth.taken(key, read.facts);
      this.#news.read(this.#namesOf(candidate.place) ?? []);
      files.push(file);
    }
    if (files.length > 0) this.#options.store.storeLocal({ put: files, remove: [] });
  }

  #fileOf({ parentId, name, id }: Place, { facts, sha1 }: HashedFile): LocalFile | undefined {
    const { store } = this.#options;
    if (parentId === null || !store.local.has(parentId)) return undefined;
    // The engine itself may have put this very file here meanwhile; its node is then the one to keep.
    const standing = store.local.named(parentId, name).find((node) => node.name === name);
    return {
      kind: 'file',
      id: standing?.id ?? id ?? store.nextLocalId(),
      parentId,
      name,
      inode: facts.inode,
      content: { sha1, sizeBytes: facts.sizeBytes, modifiedAtMs: facts.modifiedAtMs },
      changedAtMs: facts.changedAtMs,
    };
  }

  #namesOf(place: Place): readonly string[] | undefined {
    const parent = place.parentId === null ? undefined : this.#options.store.local.pathOf(place.parentId);
    return parent === undefined ? undefined : [...parent, place.name];
  }

  #pathOf(candidate: Candidate): string | undefined {
    const names = this.#namesOf(candidate.place);
    return names === undefined ? undefined : this.#options.root.resolve(names);
  }
}

/** The facts changed while the file was hashed: it rests from now on at the earliest. */
function restart(candidate: Candidate, facts: StatFacts, clock: Clock): void {
  candidate.facts = facts;
  candidate.changes += 1;
  candidate.quietSinceMs = clock.monotonic();
}

/** A small file that was written aside and renamed into place is no program's memory. */
function mayBeMapped({ wasRenamed }: Candidate, facts: StatFacts): boolean {
  return facts.sizeBytes > SMALL_BYTES || wasRenamed || !wasRenamedHere(facts);
}

function openMaxMs({ place, facts }: Candidate): number {
  return facts.sizeBytes > SMALL_BYTES || isBulkName(place.name) ? OPEN_MAX_MS.large : OPEN_MAX_MS.small;
}

function askAgainMs(restedMs: number): number {
  const { min, max, share } = ASK_AGAIN_MS;
  return Math.min(max, Math.max(min, restedMs * share));
}
