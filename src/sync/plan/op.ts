import type { LocalId, RemoteId } from '../../ids.ts';
import type {
  LocalEntry,
  LocalFile,
  LocalFolder,
  RemoteEntry,
  RemoteFile,
  RemoteFolder,
  Side,
} from '../tree/entry.ts';
import type { SyncedNode } from '../tree/synced-tree.ts';

/**
 * A decided action with the facts it was decided on; the executor checks them right before it acts.
 *
 * Guarantees: every op of one plan can run now, in any order and beside the others; what has to come first is left
 * to the next plan.
 */
export type Op =
  /** Both sides agree already: record it. */
  | {
      readonly kind: 'agree';
      readonly remote: RemoteEntry;
      readonly local: LocalEntry;
      readonly name: string;
      readonly parentId: RemoteId | null;
    }
  /** Known in Box, kept without content here: record it. */
  | { readonly kind: 'keep-online'; readonly remote: RemoteFile }
  /** The pairing says nothing any more: drop it. Touches neither side. */
  | { readonly kind: 'forget'; readonly synced: SyncedNode }
  /** Bring content to the disk; `replaces` is what stands there now. */
  | {
      readonly kind: 'download';
      readonly remote: RemoteFile;
      readonly parent: LocalFolder;
      readonly replaces: LocalFile | null;
    }
  | { readonly kind: 'upload'; readonly local: LocalFile; readonly parentId: RemoteId }
  | { readonly kind: 'upload-version'; readonly local: LocalFile; readonly remote: RemoteFile }
  | { readonly kind: 'make-local-folder'; readonly remote: RemoteFolder; readonly parent: LocalFolder }
  | { readonly kind: 'make-remote-folder'; readonly local: LocalFolder; readonly parentId: RemoteId }
  | {
      readonly kind: 'move-local';
      readonly synced: SyncedNode;
      readonly local: LocalEntry;
      readonly remote: RemoteEntry;
      readonly parent: LocalFolder;
      readonly name: string;
    }
  | {
      readonly kind: 'move-remote';
      readonly synced: SyncedNode;
      readonly remote: RemoteEntry;
      readonly parentId: RemoteId;
      readonly name: string;
    }
  | { readonly kind: 'remove-local'; readonly synced: SyncedNode; readonly local: LocalEntry }
  | { readonly kind: 'remove-remote'; readonly synced: SyncedNode; readonly remote: RemoteEntry }
  /** Give the disk space of an agreed file back. */
  | {
      readonly kind: 'evict';
      readonly synced: SyncedNode;
      readonly local: LocalFile;
      readonly remote: RemoteFile;
    }
  /** Move the local file out of the mirror into the conflict folder, so that Box's can take the name. */
  | { readonly kind: 'set-aside'; readonly local: LocalEntry; readonly reason: ConflictReason };

export type OpKind = Op['kind'];

/** Why both sides' states could not be kept under one name. */
export type ConflictReason =
  | 'edited-on-both-sides'
  | 'created-on-both-sides'
  | 'file-against-folder'
  | 'names-differ-in-case'
  /** A folder that is gone in Box and holds what is never mirrored. */
  | 'holds-unmirrored-files';

/** An entry that cannot be synced as it is; it waits until either side changes it. */
export interface Problem {
  readonly side: 'remote' | 'local';
  readonly id: RemoteId | LocalId;
  readonly path: string;
  readonly reason: string;
  readonly message: string;
}

/** What an entry leads to: an op, a problem to report, or neither while something else must come first. */
export type Outcome = { readonly op: Op } | { readonly problem: Problem } | undefined;

/** Deletions that wait for a person. */
export interface HeldDeletions {
  readonly count: number;
  readonly limit: number;
  /** The side that lost so much that it must be asked for, if one did. */
  readonly emptied: Side | null;
  readonly ops: readonly Op[];
}

export interface Plan {
  readonly ops: readonly Op[];
  readonly problems: readonly Problem[];
  readonly held: HeldDeletions | null;
}

/** What is done with a path. `online-only`: its name and version, not its content. */
export type Disposition = 'mirror' | 'online-only' | 'ignore';

/** Decides about a path; names from just below the mirrored root down. Pure. */
export type Filter = (path: readonly string[], kind: 'file' | 'folder') => Disposition;
