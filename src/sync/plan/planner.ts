import type { LocalEntry, RemoteEntry, RemoteFile } from '../tree/entry.ts';
import type { SyncedNode } from '../tree/synced-tree.ts';
import { holdDeletions } from './deletion-guard.ts';
import { planLocalGone, planRemoteGone } from './missing.ts';
import { planNewLocal, planNewRemote } from './newcomers.ts';
import type { Op, Outcome, Plan, Problem } from './op.ts';
import { planPresent } from './paired.ts';
import type { PlanInput } from './plan-input.ts';

/**
 * Compare the three trees and decide what to do now.
 *
 * Guarantees: pure and deterministic; the same trees give the same ops in the same order. Without a synced tree
 * nothing is ever deleted. A side that did not change is never the reason for a write to the other one. Every op can
 * run independently of the others; planning again after each of them reaches agreement.
 */
export function plan(input: PlanInput): Plan {
  const ops: Op[] = [];
  const problems: Problem[] = [];
  const take = (outcome: Outcome) => {
    if (outcome === undefined) return;
    if ('op' in outcome) ops.push(outcome.op);
    else problems.push(outcome.problem);
  };
  let waitingFolders = 0;
  for (const synced of input.synced.values()) {
    const outcome = planPairing(input, synced);
    if (outcome === undefined && waitsToGo(input, synced)) waitingFolders += 1;
    take(outcome);
  }
  for (const remote of input.remote.values()) {
    if (isNewcomer(input, remote)) take(planNewRemote(input, remote));
  }
  for (const local of input.local.values()) {
    if (isNewLocal(input, local)) take(planNewLocal(input, local));
  }
  const sorted = oncePerNode(ops);
  return { ...holdDeletions(input, sorted, waitingFolders), problems: problems.sort(byPath) };
}

/** True for a folder that is gone in Box and stands on the disk until it is empty. */
function waitsToGo(input: PlanInput, { kind, localId, remoteId }: SyncedNode): boolean {
  return kind === 'folder' && localId !== null && input.local.has(localId) && !input.remote.has(remoteId);
}

function planPairing(input: PlanInput, synced: SyncedNode): Outcome {
  if (synced.parentId === null) return undefined;
  const local = synced.localId === null ? undefined : input.local.get(synced.localId);
  const remote = input.remote.get(synced.remoteId);
  if (remote !== undefined && local !== undefined && !isIgnored(input, synced))
    return planPresent(input, synced, remote, local);
  const op = planOneSided(input, synced, remote, local);
  return op === undefined ? undefined : { op };
}

function planOneSided(
  input: PlanInput,
  synced: SyncedNode,
  remote: RemoteEntry | undefined,
  local: LocalEntry | undefined,
): Op | undefined {
  if (isIgnored(input, synced)) return { kind: 'forget', synced };
  if (synced.localId === null) return planOnlineOnly(input, synced, remote);
  if (local !== undefined) return planRemoteGone(input, synced, local);
  if (remote !== undefined)
    // Content that is not meant to be here is not deleted by being absent: it was given back, and that was cut short.
    return isOnlineOnly(input, remote)
      ? { kind: 'keep-online', remote }
      : planLocalGone(input, synced, remote);
  return { kind: 'forget', synced };
}

function isOnlineOnly(input: PlanInput, remote: RemoteEntry): remote is RemoteFile {
  const path = input.remote.pathOf(remote.id);
  return remote.kind === 'file' && path !== undefined && input.filter(path, 'file') === 'online-only';
}

function isIgnored(input: PlanInput, synced: SyncedNode): boolean {
  const path = input.synced.pathOf(synced.id);
  return path !== undefined && input.filter(path, synced.kind) === 'ignore';
}

/** A pairing without content here follows Box; dropping it lets the newcomer rules bring the content when wanted. */
function planOnlineOnly(
  input: PlanInput,
  synced: SyncedNode,
  remote: RemoteEntry | undefined,
): Op | undefined {
  if (remote === undefined || remote.kind !== 'file') return { kind: 'forget', synced };
  const path = input.remote.pathOf(remote.id);
  if (path === undefined) return undefined;
  if (input.filter(path, 'file') !== 'online-only') return { kind: 'forget', synced };
  const parent = remote.parentId === null ? undefined : input.synced.get(remote.parentId);
  const written =
    parent?.localId == null
      ? []
      : input.local
          .named(parent.localId, remote.name)
          .filter((node) => input.synced.byLocal(node.id) === undefined);
  // A program's own write at this place is judged against what was agreed before, so that comes first.
  if (written.length > 0) return undefined;
  const same =
    remote.parentId === synced.parentId &&
    remote.name === synced.name &&
    remote.content.sha1 === synced.content?.sha1;
  return same ? undefined : { kind: 'keep-online', remote };
}

function isNewcomer(input: PlanInput, remote: RemoteEntry): boolean {
  if (remote.parentId === null || input.synced.has(remote.id)) return false;
  const path = input.remote.pathOf(remote.id);
  return path !== undefined && input.filter(path, remote.kind) !== 'ignore';
}

function isNewLocal(input: PlanInput, local: LocalEntry): boolean {
  if (local.parentId === null || input.synced.byLocal(local.id) !== undefined) return false;
  const path = input.local.pathOf(local.id);
  return path !== undefined && input.filter(path, local.kind) !== 'ignore';
}

/** The ids that an op works on, for telling whether two ops touch the same entry. */
export function nodesOf(op: Op): { readonly remote: string | null; readonly local: number | null } {
  return {
    remote: 'remote' in op ? op.remote.id : 'synced' in op ? op.synced.remoteId : null,
    local: 'local' in op ? op.local.id : 'synced' in op ? op.synced.localId : null,
  };
}

/** Sort by what an op works on, and keep the first op of each entry. */
function oncePerNode(ops: readonly Op[]): Op[] {
  const keyed = ops.map((op) => {
    const nodes = nodesOf(op);
    return { op, key: `${nodes.remote ?? ''}/${nodes.local ?? ''}/${op.kind}`, nodes };
  });
  keyed.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  const remotes = new Set<string>();
  const locals = new Set<number>();
  const kept: Op[] = [];
  for (const { op, nodes } of keyed) {
    if (
      (nodes.remote !== null && remotes.has(nodes.remote)) ||
      (nodes.local !== null && locals.has(nodes.local))
    )
      continue;
    if (nodes.remote !== null) remotes.add(nodes.remote);
    if (nodes.local !== null) locals.add(nodes.local);
    kept.push(op);
  }
  return kept;
}

const byPath = (a: Problem, b: Problem) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0);
