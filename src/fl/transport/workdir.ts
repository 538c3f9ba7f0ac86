import type { FileHandle } from 'node:fs/promises';

/** Who stands behind a file, as the shared folder's own accounts tell; null where nobody can tell. */
export interface Identity {
  /** The account's id. */
  readonly id: string;
  /** The account's display name. */
  readonly name: string;
}

/** What is known of one file or folder without opening it. */
export interface WorkdirEntry {
  readonly name: string;
  readonly kind: 'file' | 'folder';
  readonly sizeBytes: number;
  /** Units: milliseconds since 1970, by the clock of whoever stored it last; only ever compared with itself. */
  readonly modifiedAtMs: number;
  /** Differs whenever the content was written anew, even with the same bytes. */
  readonly version: string;
  /** False while only its name and version are here and its bytes are not. */
  readonly present: boolean;
  /** Who created it; also of folders, where it is known. */
  readonly createdBy: Identity | null;
  /** Who wrote the present content. */
  readonly modifiedBy: Identity | null;
}

/** Stops a watch; idempotent. */
export interface Watch {
  close(): Promise<void>;
}

/**
 * The port to the shared folder: a run's files as the federation sees them, wherever they live.
 *
 * Paths are relative to the folder that `save_path` names, with `/` between names.
 * Guarantees: a listed file is complete; a write appears whole or not at all; the order of two writes of one
 * writer is kept. A watch only hints: the caller lists again.
 */
export interface Workdir {
  /** For messages to people: where this is. */
  readonly description: string;
  /** False when nobody can tell who wrote a file; identities are then null. */
  readonly identifies: boolean;
  /** The account in which this side writes; null or absent where nobody can tell. */
  account?(): Identity | null;
  /** False while changes of others cannot arrive (the mount is offline): silence then means nothing. */
  connected(): boolean;
  /** Why changes of others cannot arrive, in one line for a person; null while they can. */
  trouble?(): string | null;
  /** The entries of a folder, sorted by name; empty when it does not exist. */
  list(path: string): Promise<readonly WorkdirEntry[]>;
  /** One entry, as `list` tells of it; undefined when there is none. */
  entry(path: string): Promise<WorkdirEntry | undefined>;
  /** A small file's bytes; undefined when missing or not present. Errors: CorruptError 'too-large' above `maxBytes`. */
  read(path: string, maxBytes: number): Promise<Buffer | undefined>;
  /** Where a present file stands on this machine's disk, for streaming. */
  absolutePath(path: string): string;
  /** Write a file whole: by temporary file and rename; missing folders are made. */
  write(path: string, content: string | Uint8Array): Promise<void>;
  /** As `write`, for content that is produced piece by piece. */
  writeStream(path: string, fill: (handle: FileHandle) => Promise<void>): Promise<void>;
  /** How much of an own file's present content the others can see, from 0 to 1; absent where every write is seen at once. */
  delivery?(path: string): Promise<number>;
  /** Delete a file; a missing one is fine. */
  remove(path: string): Promise<void>;
  /** Make a folder and those above it; existing is fine. */
  makeFolder(path: string): Promise<void>;
  /** Call `onHint` whenever something below may have changed. */
  watch(onHint: () => void): Promise<Watch>;
}
