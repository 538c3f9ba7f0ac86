import type { LocalId, RemoteId } from '../../ids.ts';
import type { Side } from '../tree/entry.ts';
import type { SyncedNode } from '../tree/synced-tree.ts';
import { isWithin } from '../tree/tree.ts';
import {
  localParentOf,
  localStanding,
  type PlanInput,
  remoteParentOf,
  remoteStanding,
} from './plan-input.ts';

/**
 * Follow who stands in whose way, among entries that one side moved.
 *
 * Guarantees: true for exactly one entry of a circle, the one with the smallest id: it steps aside for a moment.
 */
export function tradesPlaces(
  input: PlanInput,
  movedOn: Side,
  start: SyncedNode,
  inTheWay: SyncedNode,
): boolean {
  const seen = new Set<string>();
  let id: RemoteId | undefined = inTheWay.remoteId;
  while (id !== undefined && !seen.has(id)) {
    if (id === start.remoteId) return [...seen].every((each) => start.remoteId <= each);
    seen.add(id);
    const synced = input.synced.get(id);
    if (synced === undefined) return false;
    id = movedOn === 'local' ? blockerInBox(input, synced) : blockerOnDisk(input, synced);
  }
  return false;
}

/**
 * True when an entry, or one that stands in its way in Box, was moved into a folder that is new on the disk: they wait
 * for the folder, so the folder must not wait for them.
 */
export function waitsForNewFolder(input: PlanInput, start: SyncedNode, folderId: LocalId): boolean {
  return follow(start, (synced) => blockerInBox(input, synced), input).some(
    ({ localId }) => localId !== null && isWithin(input.local, localId, folderId),
  );
}

/** The same of a folder that is new in Box. */
export function waitsForNewRemoteFolder(input: PlanInput, start: SyncedNode, folderId: RemoteId): boolean {
  return follow(start, (synced) => blockerOnDisk(input, synced), input).some(({ remoteId }) =>
    isWithin(input.remote, remoteId, folderId),
  );
}

/** An entry, who is in its way, who is in that one's way, and so on. */
function follow(
  start: SyncedNode,
  blockerOf: (synced: SyncedNode) => RemoteId | undefined,
  { synced: pairings }: PlanInput,
): SyncedNode[] {
  const found = new Map<RemoteId, SyncedNode>();
  let each: SyncedNode | undefined = start;
  while (each !== undefined && !found.has(each.remoteId)) {
    found.set(each.remoteId, each);
    const next = blockerOf(each);
    each = next === undefined ? undefined : pairings.get(next);
  }
  return [...found.values()];
}

/** Who stands in Box where this pairing's local move wants to go. */
function blockerInBox(input: PlanInput, synced: SyncedNode): RemoteId | undefined {
  const local = synced.localId === null ? undefined : input.local.get(synced.localId);
  if (local === undefined || !localStanding(input, synced, local).moved) return undefined;
  const parentId = remoteParentOf(input, local);
  if (parentId === undefined) return undefined;
  return input.remote.named(parentId, local.name).find((node) => node.id !== synced.remoteId)?.id;
}

/** Who stands on the disk where this pairing's remote move wants to go. */
function blockerOnDisk(input: PlanInput, synced: SyncedNode): RemoteId | undefined {
  const remote = input.remote.get(synced.remoteId);
  if (remote === undefined || !remoteStanding(synced, remote).moved) return undefined;
  const parent = localParentOf(input, remote.parentId);
  if (parent === undefined) return undefined;
  const occupant = input.local.named(parent.id, remote.name).find((node) => node.id !== synced.localId);
  return occupant === undefined ? undefined : input.synced.byLocal(occupant.id)?.remoteId;
}
