import type { LocalId, RemoteId } from '../../ids.ts';

/** What an entry is. */
export type EntryKind = 'file' | 'folder';

/** The two sides that a sync pass brings to agreement. */
export type Side = 'remote' | 'local';

/** What a file holds, as far as agreement goes: equal hash means equal content. */
export interface Content {
  /** Lower-case hex SHA-1, as Box computes it. */
  readonly sha1: string;
  readonly sizeBytes: number;
  /** When the content was last modified, by its writer's account. Units: milliseconds since 1970, whole seconds on Box. */
  readonly modifiedAtMs: number;
}

/** A person or app user of Box. */
export interface RemoteUser {
  readonly id: string;
  readonly name: string;
}

interface RemoteBase {
  readonly id: RemoteId;
  /** The mirrored root's own parent is not known to the trees. */
  readonly parentId: RemoteId | null;
  readonly name: string;
  /** Box's counter of changes to this item; the precondition of a guarded write. */
  readonly etag: string;
}

export interface RemoteFolder extends RemoteBase {
  readonly kind: 'folder';
  /** Who made it; absent where nobody tells, also from an index that was written before this was kept. */
  readonly createdBy?: RemoteUser;
}

export interface RemoteFile extends RemoteBase {
  readonly kind: 'file';
  readonly content: Content;
  /** Box's id of the current version. */
  readonly versionId: string;
  /** Who created the file; null when Box does not tell. */
  readonly createdBy: RemoteUser | null;
  /** Who wrote the current version; null when Box does not tell. */
  readonly modifiedBy: RemoteUser | null;
  /** When Box received the current version, by Box's clock. Units: milliseconds since 1970. */
  readonly receivedAtMs: number;
}

/** One node of the remote tree: what was last observed in Box. */
export type RemoteEntry = RemoteFolder | RemoteFile;

interface LocalBase {
  readonly id: LocalId;
  readonly parentId: LocalId | null;
  readonly name: string;
  /** What names the entry on its disk whatever its path; how a local rename is recognised. */
  readonly inode: string;
}

export interface LocalFolder extends LocalBase {
  readonly kind: 'folder';
}

export interface LocalFile extends LocalBase {
  readonly kind: 'file';
  readonly content: Content;
  /** Change time of the inode. Units: milliseconds, fractional. Equal stat facts mean: not read again. */
  readonly changedAtMs: number;
}

/** One node of the local tree: what was last observed on the disk. */
export type LocalEntry = LocalFolder | LocalFile;

/** One node of the synced tree: what both sides last agreed on, and which two nodes it pairs. */
export interface SyncedEntry {
  readonly remoteId: RemoteId;
  /** Null while the content is kept online-only: the node has no file on the disk. */
  readonly localId: LocalId | null;
  readonly kind: EntryKind;
  /** The parent's remote id; null for the mirrored root. */
  readonly parentId: RemoteId | null;
  readonly name: string;
  /** Null for folders. */
  readonly content: Content | null;
}
