import type { Readable } from 'node:stream';
import type { RemoteId } from '../../ids.ts';
import type { EntryKind, RemoteEntry, RemoteFile, RemoteFolder, RemoteUser } from '../tree/entry.ts';

/** Content about to be sent: hashed beforehand, so that a lost answer can be recognised as one's own success. */
export interface UploadSource {
  readonly sizeBytes: number;
  /** Lower-case hex SHA-1 of the whole content. */
  readonly sha1: string;
  /** Units: milliseconds since 1970. */
  readonly modifiedAtMs: number;
  /** A stream of the bytes from `offset` on (to `end`, exclusive). Errors: StaleError when the file changed since it was hashed. */
  open(range?: { readonly offset: number; readonly end?: number }): Readable;
}

/** An upload in parts that survives a restart: persisted by the caller, meaningless to it. */
export interface UploadResumption {
  load(): string | undefined;
  save(state: string): void;
  clear(): void;
}

export interface TransferOptions {
  readonly signal?: AbortSignal;
  /** Called with the number of content bytes moved since the last call. */
  readonly onBytes?: (bytes: number) => void;
  readonly resumption?: UploadResumption;
}

export interface NewFile {
  readonly parentId: RemoteId;
  readonly name: string;
  readonly source: UploadSource;
}

export interface NewVersion {
  readonly id: RemoteId;
  /** Refuse the write unless the item still stands at this etag. */
  readonly etag: string;
  /** The file's present name, which Box wants to hear again. */
  readonly name: string;
  readonly source: UploadSource;
}

export interface DownloadRequest {
  readonly id: RemoteId;
  /** Exactly this version, whatever is current meanwhile. */
  readonly versionId: string;
  /** First byte wanted; for going on with a broken transfer. */
  readonly offset?: number;
  /** The whole version as the tree knows it: then the stream also ends in CorruptError when it is not that. */
  readonly expected?: { readonly sizeBytes: number; readonly sha1: string };
}

export interface Relocation {
  readonly id: RemoteId;
  readonly kind: EntryKind;
  readonly parentId: RemoteId;
  readonly name: string;
  readonly etag: string;
}

export interface Removal {
  readonly id: RemoteId;
  readonly kind: EntryKind;
  readonly etag: string;
}

/** One of Box's stored versions of a file. */
export interface RemoteVersion {
  readonly id: string;
  readonly sha1: string;
  readonly sizeBytes: number;
  readonly receivedAtMs: number;
  readonly modifiedBy: RemoteUser | null;
  readonly current: boolean;
}

/** Something happened to an item: a reason to look, never the truth about it. */
export interface ChangeHint {
  /** Null when the event does not name an item (a collaboration, a user). */
  readonly itemId: RemoteId | null;
  readonly kind: EntryKind | null;
  /** The parent as the event tells it, possibly stale. */
  readonly parentId: RemoteId | null;
  /** For an event about a file's content: the whole file as it stood then. Its etag orders it among what is known. */
  readonly file?: RemoteFile;
  /** For an event about a folder that was made: the folder as it was then. */
  readonly folder?: RemoteFolder;
  /** True when access to things was granted or withdrawn: the whole mirror must be looked at again. */
  readonly accessChanged: boolean;
}

/** Whether an item is there for the account: seen, in the trash, or not visible to it at all. */
export type Visibility = 'visible' | 'trashed' | 'hidden';

/** What the event feed holds after a position. */
export interface ChangePage {
  readonly hints: readonly ChangeHint[];
  /** Opaque; to be stored in the transaction that stores what it covers. */
  readonly position: string;
  /** True when the feed cannot tell everything since the given position: list everything. */
  readonly gap: boolean;
  /** False when the feed may hold more after `position`: read on now and then, though nothing wakes the waiting. */
  readonly ended: boolean;
}

/**
 * The port to the shared folder's side, free of any wire format.
 *
 * Guarantees: every method may be called concurrently; an answer that was lost is looked for before a write is
 * repeated, so an effect happens at most once; downloads deliver the whole requested range or fail.
 * Errors: TransientError (already retried within the call's own budget) · AuthError · StaleError (etag or version
 * moved) · RejectedError (this entry never: `name-taken`, `name-invalid`, `too-large`, `no-permission`, `locked`)
 * · FullError (quota) · CorruptError (bytes differ from their hash).
 */
export interface RemoteStore {
  /** The account in whose name everything happens. */
  account(): Promise<RemoteUser>;
  /**
   * From now on work with rights to this folder only, where the store was asked to and the remote side grants them.
   * Without effect where rights cannot be narrowed.
   */
  confine(folderId: RemoteId): void;
  /**
   * The folder at this path of names below the account's root; undefined when any part is missing or invisible.
   * Errors: AuthError 'folder-ambiguous' when several folders have one of the names, each told with its owner.
   */
  findFolder(path: readonly string[], signal?: AbortSignal): Promise<RemoteFolder | undefined>;
  /** One item by id; undefined when it is gone, trashed or no longer visible. */
  get(id: RemoteId, kind: EntryKind, signal?: AbortSignal): Promise<RemoteEntry | undefined>;
  /**
   * Whether an item is visible to the account, in the trash, or not visible to it at all: asked about the mirrored
   * folder when it goes out of sight. What lies in a trashed folder may be told as either of the last two.
   * Errors: only those that say nothing about the item; "not there" and "not allowed" are answers.
   */
  visibility(id: RemoteId, kind: EntryKind, signal?: AbortSignal): Promise<Visibility>;
  /** All entries of one folder, complete or an error; undefined when the folder itself is gone. */
  list(folderId: RemoteId, signal?: AbortSignal): Promise<readonly RemoteEntry[] | undefined>;
  /** Create a folder. Errors: RejectedError 'name-taken'. */
  createFolder(parentId: RemoteId, name: string, signal?: AbortSignal): Promise<RemoteFolder>;
  /** Create a file. Errors: RejectedError 'name-taken' unless the taker holds the same content, which is then returned. */
  upload(file: NewFile, options?: TransferOptions): Promise<RemoteFile>;
  /** Add a version. Errors: StaleError when the etag moved on, unless to this same content. */
  uploadVersion(version: NewVersion, options?: TransferOptions): Promise<RemoteFile>;
  /** Stream a version's bytes. Guarantees: ends only after all of them; errors the stream otherwise. */
  download(request: DownloadRequest, options?: TransferOptions): Promise<Readable>;
  /** Rename and move in one call. */
  relocate(relocation: Relocation, signal?: AbortSignal): Promise<RemoteEntry>;
  /**
   * Move to Box's trash, a folder with all that is in it.
   *
   * Guarantees: 'removed' only where it was seen to go; 'unseen' when it is not visible: gone already, removed by a call
   * whose answer was lost, or out of sight, which this call cannot tell apart.
   */
  remove(removal: Removal, signal?: AbortSignal): Promise<'removed' | 'unseen'>;
  /** All versions, newest first, the current one included. */
  versions(id: RemoteId, signal?: AbortSignal): Promise<readonly RemoteVersion[]>;
  /**
   * Make an old version current again; the file takes back the name that it had then.
   *
   * Errors: RejectedError 'name-taken' where another item holds that name by now, 'version-missing'.
   */
  promote(id: RemoteId, versionId: string, signal?: AbortSignal): Promise<RemoteFile>;
  /** The event feed's present position. */
  position(signal?: AbortSignal): Promise<string>;
  /** What the feed holds after `position`; all of it when `ended`. */
  changes(position: string, signal?: AbortSignal): Promise<ChangePage>;
  /** Wait until something may have happened after `position`; costs nothing while it waits. Returns also when aborted. */
  waitForChange(position: string, signal: AbortSignal): Promise<void>;
  /** Release connections. Idempotent. */
  close(): Promise<void>;
}

/** One counted call to the remote side. */
export interface RemoteCall {
  /** Whose calls Box counts this with: an account's id, or "application" while that is not known yet. */
  readonly user: string;
  /** Method and path with ids replaced, such as "GET /2.0/folders/:id/items". */
  readonly endpoint: string;
  readonly status: number;
  readonly durationMs: number;
}

/** Where the adapter reports each call that it makes. */
export type RemoteCallLedger = (call: RemoteCall) => void;
