import type { LocalEntry, RemoteEntry } from '../tree/entry.ts';
import type { SyncedNode } from '../tree/synced-tree.ts';
import type { Op, Outcome } from './op.ts';
import { planPlace } from './place.ts';
import { isOwnUpload, localStanding, type PlanInput, remoteStanding } from './plan-input.ts';

/**
 * Decide about a pairing whose two nodes both exist.
 *
 * Guarantees: content before place; at most one op; none when nothing changed or when something else must come
 * first. Box keeps the name in every conflict, the local content survives in the conflict folder.
 */
export function planPresent(
  input: PlanInput,
  synced: SyncedNode,
  remote: RemoteEntry,
  local: LocalEntry,
): Outcome {
  if (remote.kind !== local.kind) return { op: { kind: 'forget', synced } };
  if (remote.kind === 'file' && local.kind === 'file') {
    const op = planContent(input, synced, { remote, local });
    if (op !== undefined) return { op };
  }
  return planPlace(input, { synced, remote, local });
}

type FilePair = {
  remote: Extract<RemoteEntry, { kind: 'file' }>;
  local: Extract<LocalEntry, { kind: 'file' }>;
};

function planContent(input: PlanInput, synced: SyncedNode, { remote, local }: FilePair): Op | undefined {
  const remoteChanged = remoteStanding(synced, remote).contentChanged;
  const localChanged = localStanding(input, synced, local).contentChanged;
  if (remoteChanged && localChanged) {
    // One's own upload whose answer was lost is what was agreed; the local edit came after it.
    return remote.content.sha1 === local.content.sha1 || isOwnUpload(input, remote, local)
      ? { kind: 'agree', remote, local, name: synced.name, parentId: synced.parentId }
      : { kind: 'set-aside', local, reason: 'edited-on-both-sides' };
  }
  if (localChanged) return { kind: 'upload-version', local, remote };
  const path = input.remote.pathOf(remote.id);
  const onlineOnly = path !== undefined && input.filter(path, 'file') === 'online-only';
  if (onlineOnly) return { kind: 'evict', synced, local, remote };
  if (!remoteChanged) return undefined;
  const parent = local.parentId === null ? undefined : input.local.get(local.parentId);
  return parent?.kind === 'folder' ? { kind: 'download', remote, parent, replaces: local } : undefined;
}
