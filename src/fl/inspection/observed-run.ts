import type { Identity } from '../transport/workdir.ts';

/** What stands at a path: links and special files (pipes, sockets, devices) are never opened. */
export type ObservedKind = 'file' | 'folder' | 'link' | 'special';

/** What the shared folder's own service knows of a file's current version. */
export interface StoredFile {
  readonly versionId: string;
  readonly sizeBytes: number;
  readonly createdBy: Identity | null;
  readonly modifiedBy: Identity | null;
  /** Units: milliseconds since 1970, by the service's clock. */
  readonly receivedAtMs: number;
}

/** One entry of a run folder as it was found. Units: milliseconds since 1970. */
export interface ObservedEntry {
  /** Below the run folder, with `/` between names. */
  readonly path: string;
  readonly kind: ObservedKind;
  readonly sizeBytes: number;
  readonly modifiedAtMs: number;
  /** The content of a control or side file; null for every other file, and where `unread` says why. */
  readonly text: string | null;
  /** Why a file that a report wants to read was not read; null when nothing was wrong. */
  readonly unread: string | null;
}

/** A run folder as it was found on a disk. */
export interface ObservedRun {
  /** The folder's own name. */
  readonly name: string;
  readonly folder: string;
  /** Sorted by path. */
  readonly entries: readonly ObservedEntry[];
  /** True when there were more entries than anybody looks at. */
  readonly truncated: boolean;
}

/** One finished transfer of a mount. */
export interface LoggedTransfer {
  readonly atMs: number;
  /** The mount's own word for it, such as `upload-file`. */
  readonly op: string;
  /** Below the run folder. */
  readonly path: string;
  readonly sizeBytes: number | null;
  readonly durationMs: number;
  readonly outcome: string;
}

/** API calls of one mount in one hour. */
export interface HourlyCalls {
  readonly hourAtMs: number;
  readonly endpoint: string;
  readonly calls: number;
}

/** What a mount's index adds to the files on its disk; all paths are below the run folder. */
export interface IndexFacts {
  /** Every file that the shared folder holds, also those that this mount keeps online-only. */
  readonly files: ReadonlyMap<string, StoredFile>;
  /** Oldest first. */
  readonly transfers: readonly LoggedTransfer[];
  readonly calls: readonly HourlyCalls[];
  readonly conflicts: readonly { readonly path: string; readonly reason: string; readonly atMs: number }[];
}

/** What a look into one checkpoint found. */
export interface CheckpointFinding {
  /** Why it is no usable checkpoint; null when it is one. */
  readonly problem: { readonly code: string; readonly message: string } | null;
  readonly format: 'zip' | 'legacy' | null;
  readonly tensors: number;
  /** What training moves: buffers, such as BatchNorm's statistics, do not count. */
  readonly parameters: number;
  /** Names and shapes of the model; equal objects mean equal layouts. Null when it cannot be read. */
  readonly layout: ModelLayout | null;
  /** Of the whole file; null when it was not asked for. */
  readonly sha256: string | null;
}

/** Names, shapes and types of a model's tensors. */
export type ModelLayout = ReadonlyMap<string, { readonly dtype: string; readonly shape: readonly number[] }>;

/** Findings by path below the run folder; empty when nobody looked. */
export type CheckpointFindings = ReadonlyMap<string, CheckpointFinding>;
