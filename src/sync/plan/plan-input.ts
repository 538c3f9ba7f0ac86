import type { LocalId, RemoteId } from '../../ids.ts';
import type { LocalEntry, RemoteEntry, Side } from '../tree/entry.ts';
import type { ReadonlySyncedTree } from '../tree/synced-tree.ts';
import type { ReadonlyTree } from '../tree/tree.ts';
import type { Filter } from './op.ts';

/** Everything a plan depends on. */
export interface PlanInput {
  readonly remote: ReadonlyTree<RemoteId, RemoteEntry>;
  readonly local: ReadonlyTree<LocalId, LocalEntry>;
  readonly synced: ReadonlySyncedTree;
  readonly filter: Filter;
  /** Content that this side began to send and never heard of again, by local node: hex SHA-1s. Absent: none. */
  readonly intents?: ReadonlyMap<LocalId, ReadonlySet<string>>;
  /**
   * More deletions than this in one plan are held for a person. Absent: more than half of what one side holds, however
   * little that is.
   */
  readonly deletionsMax?: number;
  /** Deletions done lately, by the side that lost the entry: a mass deletion that comes piece by piece is one all the same. */
  readonly recentDeletions?: Readonly<Record<Side, number>>;
}

/** True when Box holds what this side itself sent and got no answer to: no edit of anybody else's. */
export function isOwnUpload(
  input: PlanInput,
  remote: { readonly content: { readonly sha1: string } },
  local: { readonly id: LocalId },
): boolean {
  return input.intents?.get(local.id)?.has(remote.content.sha1) === true;
}

/** Where a pairing stands in the three trees. */
export interface Standing {
  readonly contentChanged: boolean;
  readonly moved: boolean;
}

const sameContent = (a: { sha1: string } | null, b: { sha1: string } | null) => a?.sha1 === b?.sha1;

/** The remote id that the local parent is paired with; undefined while it is not paired. */
export function remoteParentOf(input: PlanInput, local: LocalEntry): RemoteId | undefined {
  return local.parentId === null ? undefined : input.synced.byLocal(local.parentId)?.remoteId;
}

/** The local folder that the remote parent is paired with; undefined while it is not paired or not on the disk. */
export function localParentOf(input: PlanInput, remoteParentId: RemoteId | null) {
  if (remoteParentId === null) return undefined;
  const localId = input.synced.get(remoteParentId)?.localId;
  const folder = localId === undefined || localId === null ? undefined : input.local.get(localId);
  return folder?.kind === 'folder' ? folder : undefined;
}

/** What the remote side did to a pairing since it was agreed. */
export function remoteStanding(
  synced: { parentId: RemoteId | null; name: string; content: { sha1: string } | null },
  remote: RemoteEntry,
): Standing {
  return {
    contentChanged: remote.kind === 'file' && !sameContent(remote.content, synced.content),
    moved: remote.parentId !== synced.parentId || remote.name !== synced.name,
  };
}

/** What the local side did to a pairing since it was agreed. */
export function localStanding(
  input: PlanInput,
  synced: { parentId: RemoteId | null; name: string; content: { sha1: string } | null },
  local: LocalEntry,
): Standing {
  return {
    contentChanged: local.kind === 'file' && !sameContent(local.content, synced.content),
    moved: remoteParentOf(input, local) !== synced.parentId || local.name !== synced.name,
  };
}
