import type { Op } from '../plan/op.ts';
import { nodesOf } from '../plan/planner.ts';
import { foldName } from '../tree/name-rules.ts';
import type { Replica } from './replica.ts';

/** The places and nodes that an op works on; two ops that share one never run at the same time. */
export function keysOf(op: Op): readonly string[] {
  const { remote, local } = nodesOf(op);
  const keys: string[] = [];
  if (remote !== null) keys.push(`remote ${remote}`);
  if (local !== null) keys.push(`local ${local}`);
  const target = targetOf(op);
  if (target !== undefined) keys.push(target);
  return keys;
}

/** What tells whether two ops are about the same entry. */
export function nodeKeyOf(op: Op): string | number {
  const { remote, local } = nodesOf(op);
  return local ?? remote ?? op.kind;
}

function targetOf(op: Op): string | undefined {
  switch (op.kind) {
    case 'download':
      return `on disk ${op.parent.id}/${foldName(op.replaces?.name ?? op.remote.name)}`;
    case 'make-local-folder':
      return `on disk ${op.parent.id}/${foldName(op.remote.name)}`;
    case 'move-local':
      return `on disk ${op.parent.id}/${foldName(op.name)}`;
    case 'upload':
    case 'make-remote-folder':
      return `in box ${op.parentId}/${foldName(op.local.name)}`;
    case 'move-remote':
      return `in box ${op.parentId}/${foldName(op.name)}`;
    default:
      return undefined;
  }
}

/** The states of both nodes that an op was decided on: after a failure, another version is tried at once. */
export function versionOf(op: Op): string {
  const remote = 'remote' in op ? op.remote.etag : '-';
  const local =
    'local' in op && op.local.kind === 'file' ? `${op.local.content.sha1}@${op.local.changedAtMs}` : '-';
  return `${op.kind} ${remote} ${local} ${targetOf(op) ?? ''}`;
}

/** The path that an op is about, for people and logs. */
export function pathOf(op: Op, replica: Pick<Replica, 'remote' | 'local' | 'synced'>): string {
  const { remote, local } = nodesOf(op);
  if ('local' in op && local !== null)
    return (replica.local.pathOf(op.local.id) ?? [op.local.name]).join('/');
  if ('remote' in op && remote !== null)
    return (replica.remote.pathOf(op.remote.id) ?? [op.remote.name]).join('/');
  return 'synced' in op ? (replica.synced.pathOf(op.synced.remoteId) ?? [op.synced.name]).join('/') : '';
}
