import type { LocalEntry, RemoteEntry } from '../tree/entry.ts';
import type { SyncedNode } from '../tree/synced-tree.ts';
import { isWithin } from '../tree/tree.ts';
import { tradesPlaces } from './circles.ts';
import type { Op, Outcome } from './op.ts';
import { passingName } from './passing-name.ts';
import {
  localParentOf,
  localStanding,
  type PlanInput,
  remoteParentOf,
  remoteStanding,
} from './plan-input.ts';
import { caseTwin } from './problems.ts';

/** A pairing whose two nodes both exist. */
interface Pair {
  readonly synced: SyncedNode;
  readonly remote: RemoteEntry;
  readonly local: LocalEntry;
}

/**
 * Decide about the place of a pairing whose content agrees.
 *
 * Guarantees: Box's place wins when both moved, and Box's entry keeps a name that two entries want: nothing is lost,
 * and all mirrors agree without asking each other. Who stands in the way and is about to leave is waited for; who is
 * not, is moved out of the way or gives way.
 */
export function planPlace(input: PlanInput, pair: Pair): Outcome {
  const { synced, remote, local } = pair;
  const remoteMoved = remoteStanding(synced, remote).moved;
  const localMoved = localStanding(input, synced, local).moved;
  if (!remoteMoved && !localMoved) return undefined;
  if (remoteParentOf(input, local) === remote.parentId && local.name === remote.name) {
    return { op: { kind: 'agree', remote, local, name: remote.name, parentId: remote.parentId } };
  }
  if (!remoteMoved) return planMoveRemote(input, pair);
  const op = planMoveLocal(input, pair);
  return op === undefined ? undefined : { op };
}

function planMoveLocal(input: PlanInput, pair: Pair): Op | undefined {
  const { synced, remote, local } = pair;
  const parent = localParentOf(input, remote.parentId);
  if (parent === undefined || isWithin(input.local, parent.id, local.id)) return undefined;
  const occupant = input.local.named(parent.id, remote.name).find((node) => node.id !== local.id);
  if (occupant === undefined) return { kind: 'move-local', synced, local, remote, parent, name: remote.name };
  const other = input.synced.byLocal(occupant.id);
  if (other === undefined) return { kind: 'set-aside', local: occupant, reason: 'created-on-both-sides' };
  const step = {
    kind: 'move-local' as const,
    synced,
    local,
    remote,
    name: passingName(local.name, remote.id),
  };
  // The folder that is about to go cannot go while this entry is in it, and this entry wants its name.
  if (isWithin(input.local, local.id, occupant.id)) return { ...step, parent };
  const here = local.parentId === null ? undefined : input.local.get(local.parentId);
  return here?.kind === 'folder' && tradesPlaces(input, 'remote', synced, other)
    ? { ...step, parent: here }
    : undefined;
}

function planMoveRemote(input: PlanInput, pair: Pair): Outcome {
  const { synced, remote, local } = pair;
  const parentId = remoteParentOf(input, local);
  if (parentId === undefined || !input.remote.has(parentId)) return undefined;
  if (isWithin(input.remote, parentId, remote.id)) {
    return isOnItsWayOut(input, parentId, remote.id) ? undefined : { op: giveWay(input, pair) };
  }
  const occupant = input.remote.named(parentId, local.name).find((node) => node.id !== remote.id);
  if (occupant === undefined)
    return { op: { kind: 'move-remote', synced, remote, parentId, name: local.name } };
  return planMoveOnto(input, pair, occupant, parentId);
}

/** The name that a local move wants is held by another entry in Box. */
function planMoveOnto(
  input: PlanInput,
  pair: Pair,
  occupant: RemoteEntry,
  parentId: RemoteEntry['id'],
): Outcome {
  const { synced, remote, local } = pair;
  const other = input.synced.get(occupant.id);
  if (other === undefined) return { op: giveWay(input, pair) };
  if (!isLeaving(input, other, occupant)) {
    const twin =
      local.parentId === null
        ? undefined
        : input.local.named(local.parentId, local.name).find((node) => node.id === other.localId);
    if (twin === undefined) return { op: giveWay(input, pair) };
    return { problem: caseTwin(local, input.local.pathOf(local.id) ?? [local.name], twin) };
  }
  const step = { kind: 'move-remote' as const, synced, remote, name: passingName(remote.name, remote.id) };
  if (isWithin(input.remote, remote.id, occupant.id)) return { op: { ...step, parentId } };
  const circle = remote.parentId !== null && tradesPlaces(input, 'local', synced, other);
  return circle && remote.parentId !== null ? { op: { ...step, parentId: remote.parentId } } : undefined;
}

/** True when a paired entry will free its name in Box by itself: it was deleted or moved on the disk, and not in Box. */
export function isLeaving(input: PlanInput, synced: SyncedNode, remote: RemoteEntry): boolean {
  if (synced.localId === null || remoteStanding(synced, remote).moved) return false;
  const local = input.local.get(synced.localId);
  return local === undefined || localStanding(input, synced, local).moved;
}

/** True when a folder that lies within another in Box, or one between the two, was moved out on the disk. */
function isOnItsWayOut(input: PlanInput, id: RemoteEntry['id'], withinId: RemoteEntry['id']): boolean {
  let each: RemoteEntry | undefined = input.remote.get(id);
  while (each !== undefined && each.id !== withinId) {
    const synced = input.synced.get(each.id);
    if (synced !== undefined && isLeaving(input, synced, each)) return true;
    each = each.parentId === null ? undefined : input.remote.get(each.parentId);
  }
  return false;
}

/** A local move whose target is taken in Box for good: undone if its old place is free, else the entry counts as new. */
function giveWay(input: PlanInput, { synced, remote, local }: Pair): Op {
  const parent = localParentOf(input, remote.parentId);
  const free =
    parent !== undefined &&
    !isWithin(input.local, parent.id, local.id) &&
    input.local.named(parent.id, remote.name).every((node) => node.id === local.id);
  return free
    ? { kind: 'move-local', synced, local, remote, parent, name: remote.name }
    : { kind: 'forget', synced };
}
