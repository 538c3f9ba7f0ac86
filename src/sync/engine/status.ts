import type { HeldDeletions, Problem } from '../plan/op.ts';
import type { WaitingEntry } from './back-off.ts';

/** What the engine is at. */
export type EngineState =
  /** A client's mount whose folder the server has not made yet. */
  | 'awaiting-folder'
  /** Looking at both sides for the first time. */
  | 'starting'
  /** Ops are under way. */
  | 'syncing'
  /** Both sides agree, as far as anybody has told. */
  | 'in-sync'
  /** As `in-sync`, but for entries that failed and are tried again later. */
  | 'waiting'
  | 'paused'
  /** Box is out of reach; tried again by itself. */
  | 'offline'
  /** The shared folder is not visible to this account any more; nothing is deleted. */
  | 'access-lost'
  /** The mirrored folder is missing on the disk; nothing is deleted. */
  | 'root-missing'
  /** Another folder stands where the mirrored one was, or the engine's own folder is gone; nothing is done. */
  | 'root-replaced'
  /** One side lost everything at once; nothing is done until a person says whether that was meant. */
  | 'root-emptied'
  /** The disk or Box's quota is full; goes on by itself. */
  | 'full'
  | 'stopped';

/** A snapshot of the engine for people and programs. */
export interface EngineStatus {
  readonly state: EngineState;
  readonly queue: { readonly control: number; readonly bulk: number };
  readonly bytes: { readonly up: number; readonly down: number };
  readonly entries: { readonly remote: number; readonly local: number; readonly synced: number };
  readonly problems: readonly Problem[];
  readonly waiting: readonly WaitingEntry[];
  readonly held: { readonly count: number; readonly limit: number } | null;
  /** What limits the mount without stopping it, in sentences. */
  readonly notices: readonly string[];
  /** The last failure in one line; null when all went well since. */
  readonly trouble: string | null;
  /** Units: milliseconds since 1970. */
  readonly lastChangeAtMs: number | null;
  /** What is being transferred. */
  readonly transfers: readonly {
    readonly path: string;
    readonly direction: 'up' | 'down';
    readonly sizeBytes: number;
    readonly doneBytes: number;
  }[];
}

/** How held deletions are told. */
export function heldSummary(held: HeldDeletions | null): EngineStatus['held'] {
  return held === null ? null : { count: held.count, limit: held.limit };
}
