import { CorruptError } from '../../errors.ts';
import { type RemoteId, remoteId } from '../../ids.ts';
import type { RemoteEntry, RemoteFile, RemoteUser } from '../tree/entry.ts';
import { localNameProblem } from '../tree/name-rules.ts';
import { Tree } from '../tree/tree.ts';
import { entryFromRecording } from './recorded-entries.ts';
import { assertNoCircle, assertPlace, belowOnTheWay } from './recorded-place.ts';
import type { RecordingLine } from './recording-line.ts';

/** Something that became different in the shared folder, as the recording mount came to know it. */
export interface FolderChange {
  readonly kind: 'folder' | 'file' | 'moved' | 'removed';
  /** Names from just below the mirrored folder. */
  readonly names: readonly string[];
  /** Where it stood before; null unless it was moved. */
  readonly from: readonly string[] | null;
  /** Null unless `kind` is `file`. */
  readonly content: {
    readonly sha1: string;
    readonly sizeBytes: number;
    readonly modifiedAtMs: number;
  } | null;
  /** Who wrote it; null where nobody tells. */
  readonly by: RemoteUser | null;
  readonly createdBy: RemoteUser | null;
  /** When the mount knew of it. Units: milliseconds since 1970. */
  readonly atMs: number;
}

type CallLine = Extract<RecordingLine, { kind: 'call' }>;

/** Deeper than this no folder of a federation goes. */
const DEPTH_MAX = 64;

/** More entries than this no shared folder of a federation has. */
const ENTRIES_MAX = 1_000_000;

/** No recording makes a file longer than this. Units: bytes. */
const SIZE_MAX_BYTES = 1024 ** 4;

/**
 * The shared folder as a recording tells of it, line by line.
 *
 * Guarantees: pure; equal lines give equal changes; every name is one that a disk takes, whatever the recording says.
 * Errors: CorruptError 'bad-name' | 'bad-place' | 'too-large'.
 */
export class RecordedFolder {
  #tree = new Tree<RemoteId, RemoteEntry>();
  /** What was shown to be gone: a late event does not bring it back. */
  readonly #gone = new Set<RemoteId>();
  #rootPath: readonly string[] = [];
  #rootId: RemoteId | null = null;

  /** The mirrored folder's path in Box. */
  get rootPath(): readonly string[] {
    return this.#rootPath;
  }

  /** Take a line; what it changes, parents first. */
  apply(line: RecordingLine): readonly FolderChange[] {
    switch (line.kind) {
      case 'begin':
        for (const name of line.root) assertName(name);
        this.#rootPath = line.root;
        return [];
      case 'known-remote':
        this.#setRoot(remoteId(line.root_id));
        return this.#put(line.entries.map(entryFromRecording), line.at_ms);
      case 'call':
        return line.fault === null ? this.#applyCall(line) : [];
      default:
        return [];
    }
  }

  #setRoot(id: RemoteId): void {
    this.#rootId = id;
    const known = this.#tree.get(id);
    if (known?.parentId === null) return;
    this.#tree.put({ kind: 'folder', id, parentId: null, name: known?.name ?? '', etag: known?.etag ?? '0' });
  }

  #applyCall(line: CallLine): readonly FolderChange[] {
    const { call, args, at_ms: atMs } = line;
    const entries = line.entries.map(entryFromRecording);
    if (call === 'findFolder') {
      const found = entries[0];
      const path = Array.isArray(args['path']) ? args['path'] : [];
      if (found !== undefined && path.length === this.#rootPath.length) this.#setRoot(found.id);
      return [];
    }
    const id = typeof args['id'] === 'string' ? remoteId(args['id']) : null;
    if (call === 'list' && id !== null && !line.gone) return this.#list(id, entries, atMs);
    if (line.gone && id !== null) return this.#remove(id, atMs);
    if (call === 'changes') return this.#put(entries.filter(this.#standsAs), atMs);
    return this.#put(entries, atMs);
  }

  /** An event shows an entry as it stood once: it is followed where the entry is new, or still stands in that place. */
  readonly #standsAs = ({ id, parentId, name }: RemoteEntry): boolean => {
    const known = this.#tree.get(id);
    if (known === undefined) return parentId !== null && this.#tree.has(parentId) && !this.#gone.has(id);
    return known.parentId === parentId && known.name === name;
  };

  /** What is no longer in a listing may only have moved: it is removed when no later line has shown it elsewhere. */
  #list(folderId: RemoteId, entries: readonly RemoteEntry[], atMs: number): readonly FolderChange[] {
    const standing = new Set(entries.map(({ id }) => id));
    const missing = this.#tree.children(folderId).filter(({ id }) => !standing.has(id));
    return [...missing.flatMap(({ id }) => this.#remove(id, atMs)), ...this.#put(entries, atMs)];
  }

  #remove(id: RemoteId, atMs: number): readonly FolderChange[] {
    const entry = this.#tree.get(id);
    this.#gone.add(id);
    if (entry === undefined || id === this.#rootId) return [];
    const names = this.#tree.pathOf(id);
    for (const { id: below } of [...this.#tree.subtree(id)].reverse()) this.#tree.remove(below);
    return names === undefined || names.length === 0 ? [] : [removalOf(names, atMs)];
  }

  #put(entries: readonly RemoteEntry[], atMs: number): readonly FolderChange[] {
    assertNoCircle(entries);
    const changes: FolderChange[] = [];
    const reached: RemoteId[] = [];
    for (const entry of entries) {
      if (entry.id === this.#rootId) continue;
      const former = this.#tree.get(entry.id);
      const from = former === undefined ? undefined : this.#tree.pathOf(entry.id);
      // An answer that was overtaken by a newer one says nothing any more.
      if (former !== undefined && Number(entry.etag) < Number(former.etag)) continue;
      const names = this.#place(entry);
      if (names === undefined && from !== undefined) changes.push(removalOf(from, atMs));
      if (entry.kind === 'folder' && from === undefined) reached.push(entry.id);
      changes.push(...changesOf({ entry, former, from, names, atMs }));
    }
    // Folders first: a listing may name them in any order.
    return [...changes, ...this.#below(reached, changes, atMs)].sort(byDepth);
  }

  /**
   * Put an entry into the tree. Returns its path, or undefined while that is not known.
   *
   * Answers of different moments may make a circle: what led from the entry to its new parent has then left the entry,
   * for a place that a later line tells.
   */
  #place(entry: RemoteEntry): readonly string[] | undefined {
    assertPlace(this.#tree, entry);
    const hasLeft = belowOnTheWay(this.#tree, entry);
    if (hasLeft !== undefined) this.#tree.remove(hasLeft);
    this.#tree.put(entry);
    if (this.#tree.size > ENTRIES_MAX) throw tooLarge(`more than ${ENTRIES_MAX} entries`);
    return this.#tree.pathOf(entry.id);
  }

  /** What was known before the folder in which it stands was. */
  #below(folders: readonly RemoteId[], told: readonly FolderChange[], atMs: number): readonly FolderChange[] {
    const known = new Set(told.map(({ names }) => names.join('/')));
    return folders
      .flatMap((id) => this.#tree.subtree(id).slice(1))
      .flatMap((entry) => {
        const names = this.#tree.pathOf(entry.id);
        if (names === undefined || known.has(names.join('/'))) return [];
        known.add(names.join('/'));
        return changesOf({ entry, former: undefined, from: undefined, names, atMs });
      });
  }
}

interface Step {
  readonly entry: RemoteEntry;
  readonly former: RemoteEntry | undefined;
  readonly from: readonly string[] | undefined;
  readonly names: readonly string[] | undefined;
  readonly atMs: number;
}

function changesOf({ entry, former, from, names, atMs }: Step): readonly FolderChange[] {
  if (names === undefined || names.length === 0) return [];
  if (names.length > DEPTH_MAX) throw badName(names.join('/'));
  for (const name of names) assertName(name);
  const changes: FolderChange[] = [];
  const nobody = { from: null, content: null, by: null, createdBy: null, atMs };
  const isMoved = from !== undefined && from.join('/') !== names.join('/');
  if (isMoved) changes.push({ ...nobody, kind: 'moved', names, from });
  if (entry.kind === 'folder') {
    if (from === undefined) changes.push({ ...nobody, kind: 'folder', names });
  } else if (from === undefined || !isSameVersion(former, entry))
    changes.push(fileChange(entry, names, atMs));
  return changes;
}

function isSameVersion(former: RemoteEntry | undefined, entry: RemoteFile): boolean {
  return former?.kind === 'file' && former.versionId === entry.versionId;
}

function fileChange(entry: RemoteFile, names: readonly string[], atMs: number): FolderChange {
  const { content, modifiedBy, createdBy } = entry;
  if (content.sizeBytes > SIZE_MAX_BYTES) throw tooLarge(`a file of ${content.sizeBytes} bytes`);
  return { kind: 'file', names, from: null, content, by: modifiedBy, createdBy, atMs };
}

const byDepth = (left: FolderChange, right: FolderChange) => left.names.length - right.names.length;

const removalOf = (names: readonly string[], atMs: number): FolderChange => ({
  kind: 'removed',
  names,
  from: null,
  content: null,
  by: null,
  createdBy: null,
  atMs,
});

function tooLarge(what: string): CorruptError {
  return new CorruptError({ code: 'too-large', message: `the recording tells of ${what}` });
}

function badName(name: string): CorruptError {
  return new CorruptError({
    code: 'bad-name',
    message: `the recording holds a name that is no file's: ${JSON.stringify(name)}`,
  });
}

function assertName(name: string): void {
  if (localNameProblem(name) !== undefined) throw badName(name);
}
