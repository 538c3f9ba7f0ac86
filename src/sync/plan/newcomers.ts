import { isBulkName } from '../tree/bulk-names.ts';
import type { LocalEntry, RemoteEntry } from '../tree/entry.ts';
import { localNameProblem, remoteNameProblem } from '../tree/name-rules.ts';
import { waitsForNewFolder, waitsForNewRemoteFolder } from './circles.ts';
import type { Op, Outcome } from './op.ts';
import { passingName } from './passing-name.ts';
import { isLeaving } from './place.ts';
import { isOwnUpload, localParentOf, type PlanInput, remoteParentOf } from './plan-input.ts';
import { caseTwin, duplicate, emptyFile, nameRefused } from './problems.ts';

/** Decide about a remote node that is not paired. */
export function planNewRemote(input: PlanInput, remote: RemoteEntry): Outcome {
  const parent = localParentOf(input, remote.parentId);
  const path = input.remote.pathOf(remote.id);
  if (parent === undefined || path === undefined) return undefined;
  const nameProblem = localNameProblem(remote.name);
  if (nameProblem !== undefined) return { problem: nameRefused('remote', remote, path, nameProblem) };
  const elder = elderTwin(input, remote);
  if (elder !== undefined) return { problem: duplicate(remote, path) };
  const standing = input.local.named(parent.id, remote.name);
  const local = standing.find((node) => node.name === remote.name) ?? standing[0];
  if (local !== undefined) return planMeeting(input, remote, local);
  if (remote.kind === 'folder') return { op: { kind: 'make-local-folder', remote, parent } };
  const onlineOnly = input.filter(path, 'file') === 'online-only';
  return {
    op: onlineOnly ? { kind: 'keep-online', remote } : { kind: 'download', remote, parent, replaces: null },
  };
}

/** A remote and a local node want one name. */
function planMeeting(input: PlanInput, remote: RemoteEntry, local: LocalEntry): Outcome {
  if (input.synced.byLocal(local.id) !== undefined) return planAroundMovedOut(input, remote, local);
  if (remote.kind === 'folder' && local.kind === 'folder') return { op: adopt(input, remote, local) };
  if (remote.kind !== local.kind) return { op: { kind: 'set-aside', local, reason: 'file-against-folder' } };
  const same = remote.kind === 'file' && local.kind === 'file' && remote.content.sha1 === local.content.sha1;
  const own = remote.kind === 'file' && isOwnUpload(input, remote, local);
  if (same || own) return { op: adopt(input, remote, local) };
  return { op: { kind: 'set-aside', local, reason: 'created-on-both-sides' } };
}

/** Pair two nodes that agree. A name that differs in case counts as Box's change: the local one follows. */
function adopt(input: PlanInput, remote: RemoteEntry, local: LocalEntry): Op {
  return {
    kind: 'agree',
    remote,
    local,
    name: local.name,
    parentId: remoteParentOf(input, local) ?? remote.parentId,
  };
}

/** Decide about a local node that is not paired. */
export function planNewLocal(input: PlanInput, local: LocalEntry): Outcome {
  const parentId = remoteParentOf(input, local);
  const path = input.local.pathOf(local.id);
  if (parentId === undefined || path === undefined || !input.remote.has(parentId)) return undefined;
  const nameProblem = remoteNameProblem(local.name);
  if (nameProblem !== undefined) return { problem: nameRefused('local', local, path, nameProblem) };
  const twins = local.parentId === null ? [] : input.local.named(local.parentId, local.name);
  const first = twins.find((twin) => input.synced.byLocal(twin.id) !== undefined) ?? twins[0];
  if (first !== undefined && first.id !== local.id) return { problem: caseTwin(local, path, first) };
  const occupants = input.remote.named(parentId, local.name);
  const occupant = occupants[0];
  if (occupant !== undefined) return planOverOnlineOnly(input, local, occupant);
  if (local.kind === 'folder') return { op: { kind: 'make-remote-folder', local, parentId } };
  if (local.content.sizeBytes === 0 && isBulkName(local.name)) return { problem: emptyFile(local, path) };
  return { op: { kind: 'upload', local, parentId } };
}

/** A program wrote a file where only Box's name and version stood: an edit of what was agreed. */
function planOverOnlineOnly(input: PlanInput, local: LocalEntry, occupant: RemoteEntry): Outcome {
  const synced = input.synced.get(occupant.id);
  if (synced === undefined) return undefined;
  if (synced.localId !== null) return planAroundMovedIn(input, local, occupant);
  if (local.kind !== 'file' || occupant.kind !== 'file') {
    return { op: { kind: 'set-aside', local, reason: 'file-against-folder' } };
  }
  if (local.content.sha1 === occupant.content.sha1) return { op: adopt(input, occupant, local) };
  if (synced.content?.sha1 === occupant.content.sha1)
    return { op: { kind: 'upload-version', local, remote: occupant } };
  return { op: { kind: 'set-aside', local, reason: 'edited-on-both-sides' } };
}

/** The same on the disk: a new folder of Box, whose name is held here by an entry that Box moved into that folder. */
function planAroundMovedOut(input: PlanInput, folder: RemoteEntry, occupant: LocalEntry): Outcome {
  const synced = input.synced.byLocal(occupant.id);
  const remote = synced === undefined ? undefined : input.remote.get(synced.remoteId);
  const parent = occupant.parentId === null ? undefined : input.local.get(occupant.parentId);
  if (synced === undefined || remote === undefined || parent?.kind !== 'folder') return undefined;
  if (!waitsForNewRemoteFolder(input, synced, folder.id)) return undefined;
  const name = passingName(occupant.name, remote.id);
  return { op: { kind: 'move-local', synced, local: occupant, remote, parent, name } };
}

/**
 * A new folder whose name in Box is held by an entry that was moved into that very folder: each waits for the other,
 * so the entry steps aside in Box for a moment.
 */
function planAroundMovedIn(input: PlanInput, folder: LocalEntry, occupant: RemoteEntry): Outcome {
  const synced = input.synced.get(occupant.id);
  if (synced?.localId == null || occupant.parentId === null || !isLeaving(input, synced, occupant))
    return undefined;
  if (!waitsForNewFolder(input, synced, folder.id)) return undefined;
  const name = passingName(occupant.name, occupant.id);
  return { op: { kind: 'move-remote', synced, remote: occupant, parentId: occupant.parentId, name } };
}

/** Box should not, but does hold duplicate names: the paired one, else the oldest id, is mirrored. */
function elderTwin(input: PlanInput, remote: RemoteEntry): RemoteEntry | undefined {
  if (remote.parentId === null) return undefined;
  const twins = input.remote.named(remote.parentId, remote.name).filter((twin) => twin.id !== remote.id);
  return twins.find((twin) => input.synced.has(twin.id) || isOlder(twin.id, remote.id));
}

const isOlder = (a: string, b: string) => (a.length === b.length ? a < b : a.length < b.length);
