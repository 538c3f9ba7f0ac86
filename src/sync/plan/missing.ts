import type { LocalEntry, RemoteEntry } from '../tree/entry.ts';
import type { SyncedNode } from '../tree/synced-tree.ts';
import type { Op } from './op.ts';
import { localParentOf, localStanding, type PlanInput, remoteStanding } from './plan-input.ts';

/**
 * Decide about a pairing whose remote node is gone while the local one stands.
 *
 * Guarantees: an edit, a move or anything new below beats the deletion: the pairing is dropped, and the local entry
 * counts as new. A folder goes only when nothing stands below it any more; when all that stands there waits for a
 * folder that Box has made anew under the same name, the two become one.
 */
export function planRemoteGone(input: PlanInput, synced: SyncedNode, local: LocalEntry): Op | undefined {
  const { contentChanged, moved } = localStanding(input, synced, local);
  if (contentChanged || moved) return { kind: 'forget', synced };
  if (local.kind === 'file') return { kind: 'remove-local', synced, local };
  const below = input.local.subtree(local.id).slice(1);
  if (below.some((node) => survivesLocally(input, node))) return { kind: 'forget', synced };
  if (below.length === 0) return { kind: 'remove-local', synced, local };
  const allMoved = below.every((node) => standsInBox(input, node));
  return allMoved && isReplacedInBox(input, synced) ? { kind: 'forget', synced } : undefined;
}

function standsInBox(input: PlanInput, local: LocalEntry): boolean {
  const synced = input.synced.byLocal(local.id);
  return synced !== undefined && input.remote.has(synced.remoteId);
}

/** True when Box holds another folder where this pairing's stood. */
function isReplacedInBox(input: PlanInput, synced: SyncedNode): boolean {
  if (synced.parentId === null) return false;
  const standing = input.remote.named(synced.parentId, synced.name);
  return standing.some((node) => node.kind === 'folder' && !input.synced.has(node.id));
}

/** True when the disk holds another folder where this pairing's stood. */
function isReplacedOnDisk(input: PlanInput, synced: SyncedNode): boolean {
  const parent = localParentOf(input, synced.parentId);
  const standing = parent === undefined ? [] : input.local.named(parent.id, synced.name);
  return standing.some((node) => node.kind === 'folder' && input.synced.byLocal(node.id) === undefined);
}

/** True when a local entry holds something that its remote deletion must not take away. */
function survivesLocally(input: PlanInput, local: LocalEntry): boolean {
  const synced = input.synced.byLocal(local.id);
  if (synced === undefined) return !isIgnored(input, local);
  const { contentChanged, moved } = localStanding(input, synced, local);
  const remote = input.remote.get(synced.remoteId);
  // What was moved in here on the disk needs this folder; what Box moved out of it leaves by itself.
  if (remote !== undefined) return moved && !remoteStanding(synced, remote).moved;
  return contentChanged || moved;
}

function isIgnored(input: PlanInput, local: LocalEntry): boolean {
  const path = input.local.pathOf(local.id);
  return path !== undefined && input.filter(path, local.kind) === 'ignore';
}

/**
 * Decide about a pairing whose local node is gone while the remote one stands.
 *
 * Guarantees: as `planRemoteGone`, mirrored; a deleted folder costs one call, on its topmost entry, once all that it
 * held is gone from the disk or has moved away in Box.
 */
export function planLocalGone(input: PlanInput, synced: SyncedNode, remote: RemoteEntry): Op | undefined {
  const { contentChanged, moved } = remoteStanding(synced, remote);
  if (contentChanged || moved) return { kind: 'forget', synced };
  if (isCoveredByParent(input, remote)) return undefined;
  if (remote.kind === 'file') return { kind: 'remove-remote', synced, remote };
  const standings = input.remote
    .subtree(remote.id)
    .slice(1)
    .map((node) => standingBelow(input, node));
  if (standings.includes('survives')) return { kind: 'forget', synced };
  if (!standings.includes('waits')) return { kind: 'remove-remote', synced, remote };
  const allMoved = standings.every((standing) => standing === 'waits');
  return allMoved && isReplacedOnDisk(input, synced) ? { kind: 'forget', synced } : undefined;
}

/** How an entry below a locally deleted folder stands: lost with it, worth keeping, or about to be moved out. */
function standingBelow(input: PlanInput, remote: RemoteEntry): 'goes' | 'survives' | 'waits' {
  const synced = input.synced.get(remote.id);
  if (synced === undefined) return 'survives';
  const { contentChanged, moved } = remoteStanding(synced, remote);
  if (contentChanged || moved) return 'survives';
  // Online-only content has no local node that could be missing: its folder's deletion is a deletion of it too.
  if (synced.localId === null) return 'goes';
  return input.local.has(synced.localId) ? 'waits' : 'goes';
}

/** True when the parent's own deletion will take this entry along. */
function isCoveredByParent(input: PlanInput, remote: RemoteEntry): boolean {
  if (remote.parentId === null) return false;
  const parent = input.synced.get(remote.parentId);
  if (parent === undefined || parent.localId === null || input.local.has(parent.localId)) return false;
  const parentRemote = input.remote.get(remote.parentId);
  if (parentRemote === undefined) return false;
  const op = planLocalGone(input, parent, parentRemote);
  return op?.kind === 'remove-remote' || (op === undefined && isCoveredByParent(input, parentRemote));
}
