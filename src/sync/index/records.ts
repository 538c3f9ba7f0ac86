/** An op that was started and is not known to have ended. */
export interface JournalEntry {
  readonly key: string;
  readonly op: string;
  readonly path: string;
  readonly sha1: string | null;
  readonly startedAtMs: number;
  /** The adapter's own state of an upload in parts. */
  readonly resumption: string | null;
}

/** One line of the log of operations. */
export interface LoggedOp {
  readonly atMs: number;
  readonly op: string;
  readonly path: string;
  readonly sizeBytes: number | null;
  readonly durationMs: number;
  readonly outcome: string;
}

/** A file that was kept twice. */
export interface StoredConflict {
  readonly atMs: number;
  readonly path: string;
  readonly reason: string;
  readonly keptAs: string;
  readonly sha1: string | null;
}

/** Calls of one account to one endpoint in one hour. Units: `hour` in hours since 1970. */
export interface ApiUsage {
  readonly hour: number;
  readonly user: string;
  readonly endpoint: string;
  readonly calls: number;
}

/** What a person asked for a path: content kept here, or only in Box. A folder's `keep` holds for all below it. */
export type Pin = 'keep' | 'online-only';
