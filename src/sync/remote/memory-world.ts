import { RejectedError, StaleError } from '../../errors.ts';
import { type RemoteId, remoteId } from '../../ids.ts';
import type { EntryKind, RemoteEntry, RemoteFile, RemoteFolder, RemoteUser } from '../tree/entry.ts';
import type { RemoteVersion, Visibility } from './remote-store.ts';

/** One kept version, with its bytes. */
export interface MemoryVersion {
  readonly id: string;
  /** Of the file, when this was its content. */
  readonly name: string;
  readonly sha1: string;
  readonly bytes: Uint8Array;
  readonly modifiedAtMs: number;
  readonly receivedAtMs: number;
  readonly modifiedBy: RemoteUser;
}

/** One item of the world; `trashed` ones keep their place but are not found any more. */
export interface MemoryItem {
  readonly id: RemoteId;
  readonly kind: EntryKind;
  name: string;
  parentId: RemoteId | null;
  etag: number;
  trashed: boolean;
  readonly createdBy: RemoteUser;
  /** Oldest first; empty for folders. */
  readonly versions: MemoryVersion[];
}

/** Something that happened, in the order in which it happened. */
export interface MemoryEvent {
  readonly sequence: number;
  readonly itemId: RemoteId | null;
  readonly kind: EntryKind | null;
  readonly parentId: RemoteId | null;
  /** The file as it stood then, when the event is about its content. */
  readonly file?: RemoteFile;
  /** The folder as it stood then, when the event is about its making. */
  readonly folder?: RemoteFolder;
  readonly accessChanged: boolean;
  /** Null: seen by everyone. */
  readonly onlyFor: string | null;
  readonly atMs: number;
}

export const MEMORY_ROOT: RemoteId = remoteId('0');
const FIRST_ID = 1000;
const NAME_LENGTH_MAX = 255;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what Box refuses in names.
const NAME_FORBIDDEN = /[/\\\u0000-\u001f\u007f]|[ ]$|^\.{1,2}$/;
const SECOND_MS = 1000;

/** Box keeps whole seconds. */
export const wholeSeconds = (ms: number): number => Math.floor(ms / SECOND_MS) * SECOND_MS;

/** The present version of a file. */
export function currentOf(item: MemoryItem): MemoryVersion {
  const version = item.versions.at(-1);
  if (version === undefined)
    throw new RejectedError({ code: 'no-content', message: `${item.id} is no file` });
  return version;
}

/** An item as the port describes it. */
export function describe(item: MemoryItem): RemoteEntry {
  const base = { id: item.id, parentId: item.parentId, name: item.name, etag: String(item.etag) };
  if (item.kind === 'folder')
    return { ...base, kind: 'folder', ...(item.createdBy.id === '' ? {} : { createdBy: item.createdBy }) };
  const version = currentOf(item);
  return {
    ...base,
    kind: 'file',
    content: { sha1: version.sha1, sizeBytes: version.bytes.byteLength, modifiedAtMs: version.modifiedAtMs },
    versionId: version.id,
    createdBy: item.createdBy,
    modifiedBy: version.modifiedBy,
    receivedAtMs: version.receivedAtMs,
  };
}

/** A version as the port describes it. */
export function describeVersion(version: MemoryVersion, current: boolean): RemoteVersion {
  return {
    id: version.id,
    sha1: version.sha1,
    sizeBytes: version.bytes.byteLength,
    receivedAtMs: version.receivedAtMs,
    modifiedBy: version.modifiedBy,
    current,
  };
}

/** The error for what is not there. */
export function memoryGone(id: RemoteId): StaleError {
  return new StaleError({ code: 'gone', message: `Item ${id} is gone or not visible`, data: { id } });
}

/**
 * A Box in memory: one tree, its versions, its events, and who may see it. Rules only; no waiting and no faults.
 *
 * Guarantees: deterministic: ids, versions and events are numbered in the order of the calls.
 */
export class MemoryWorld {
  readonly #now: () => number;
  readonly #items = new Map<RemoteId, MemoryItem>();
  readonly #events: MemoryEvent[] = [];
  readonly #shutOut = new Set<string>();
  readonly #listeners = new Set<() => void>();
  #nextId = FIRST_ID;
  #forgottenUpTo = 0;

  constructor(now: () => number) {
    this.#now = now;
    const nobody = { id: '', name: '' };
    this.#items.set(MEMORY_ROOT, {
      id: MEMORY_ROOT,
      kind: 'folder',
      name: 'All Files',
      parentId: null,
      etag: 0,
      trashed: false,
      createdBy: nobody,
      versions: [],
    });
  }

  nowMs(): number {
    return this.#now();
  }

  nextId(): string {
    this.#nextId += 1;
    return String(this.#nextId);
  }

  /** Every item, trashed ones too, in the order of creation: for oracles. */
  all(): readonly MemoryItem[] {
    return [...this.#items.values()];
  }

  /** An item that this user can reach: neither it nor a folder above it is in the trash, and access is granted. */
  find(id: RemoteId, userId: string): MemoryItem | undefined {
    if (id !== MEMORY_ROOT && this.#shutOut.has(userId)) return undefined;
    const item = this.#items.get(id);
    for (let above = item; above !== undefined; ) {
      if (above.trashed) return undefined;
      above = above.parentId === null ? undefined : this.#items.get(above.parentId);
    }
    return item;
  }

  /** How an item stands to this user. Who is shut out sees nothing, not even that it is in the trash. */
  visibility(id: RemoteId, kind: EntryKind, userId: string): Visibility {
    const item = this.#items.get(id);
    if (item?.kind !== kind || (id !== MEMORY_ROOT && this.#shutOut.has(userId))) return 'hidden';
    return this.find(id, userId) === undefined ? 'trashed' : 'visible';
  }

  /** Errors: StaleError 'gone'. */
  require(id: RemoteId, userId: string): MemoryItem {
    const item = this.find(id, userId);
    if (item === undefined) throw memoryGone(id);
    return item;
  }

  children(folderId: RemoteId, userId: string): MemoryItem[] {
    if (this.#shutOut.has(userId)) return [];
    return this.all()
      .filter((item) => item.parentId === folderId && !item.trashed)
      .sort((a, b) => a.kind.length - b.kind.length || (a.name < b.name ? -1 : 1));
  }

  /** Who holds a name in a folder, whatever its case. */
  holder(parentId: RemoteId, name: string): MemoryItem | undefined {
    const folded = name.toLowerCase();
    return this.all().find(
      (item) => item.parentId === parentId && !item.trashed && item.name.toLowerCase() === folded,
    );
  }

  /** Errors: RejectedError 'name-invalid'. */
  checkName(name: string): void {
    if (name !== '' && name.length <= NAME_LENGTH_MAX && !NAME_FORBIDDEN.test(name)) return;
    throw new RejectedError({ code: 'name-invalid', message: `Not a name that Box accepts: ${name}` });
  }

  /** Errors: RejectedError 'name-taken' unless free or held by `except`. */
  checkFree(parentId: RemoteId, name: string, except?: RemoteId): void {
    const holder = this.holder(parentId, name);
    if (holder === undefined || holder.id === except) return;
    throw new RejectedError({
      code: 'name-taken',
      message: `The name ${name} is taken`,
      data: { id: holder.id },
    });
  }

  add(item: Omit<MemoryItem, 'id' | 'etag' | 'trashed'>): MemoryItem {
    const added: MemoryItem = { ...item, id: remoteId(this.nextId()), etag: 0, trashed: false };
    this.#items.set(added.id, added);
    this.#announceContent(added);
    return added;
  }

  /** Add a version to a file, and tell of it: such an event shows the file. */
  addVersion(item: MemoryItem, version: MemoryVersion): void {
    item.versions.push(version);
    item.etag += 1;
    this.#announceContent(item);
  }

  #announceContent(item: MemoryItem): void {
    const shown = describe(item);
    this.announce(item, shown.kind === 'file' ? { file: shown } : { folder: shown });
  }

  /** Count a change of an item, and tell of it. */
  touch(item: MemoryItem): void {
    item.etag += 1;
    this.announce(item);
  }

  announce(item: MemoryItem, shown: Pick<MemoryEvent, 'file' | 'folder'> = {}): void {
    this.#emit({
      itemId: item.id,
      kind: item.kind,
      parentId: item.parentId,
      ...shown,
      accessChanged: false,
      onlyFor: null,
    });
  }

  /** Withdraw a user's access to everything below the root: nothing is deleted, nothing is seen. */
  shutOut(userId: string): void {
    this.#shutOut.add(userId);
    this.#emit({ itemId: null, kind: null, parentId: null, accessChanged: true, onlyFor: userId });
  }

  letIn(userId: string): void {
    this.#shutOut.delete(userId);
    this.#emit({ itemId: null, kind: null, parentId: null, accessChanged: true, onlyFor: userId });
  }

  /** Lose the events so far, as Box does with age: earlier positions lead to a gap. */
  forgetEvents(): void {
    this.#forgottenUpTo = this.#events.length;
  }

  get lastSequence(): number {
    return this.#events.length;
  }

  /** True when a position is older than what is kept. */
  isForgotten(sequence: number): boolean {
    return sequence < this.#forgottenUpTo;
  }

  eventsAfter(sequence: number, userId: string): MemoryEvent[] {
    return this.#events
      .slice(Math.max(0, sequence))
      .filter(({ onlyFor }) => onlyFor === userId || (onlyFor === null && !this.#shutOut.has(userId)));
  }

  /** Be told of each new event. Returns how to stop it. */
  listen(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #emit(event: Omit<MemoryEvent, 'sequence' | 'atMs'>): void {
    this.#events.push({ ...event, sequence: this.#events.length + 1, atMs: this.#now() });
    for (const listener of [...this.#listeners]) listener();
  }
}
