import { StaleError } from '../../errors.ts';
import type { LocalId, RemoteId } from '../../ids.ts';
import type { StatFacts } from '../local/stat-facts.ts';
import { planLocalGone } from '../plan/missing.ts';
import type { Filter } from '../plan/op.ts';
import type { RemoteStore } from '../remote/remote-store.ts';
import type { Content, LocalEntry, LocalFile, LocalFolder, RemoteEntry, SyncedEntry } from '../tree/entry.ts';
import type { SyncedNode } from '../tree/synced-tree.ts';
import type { Replica } from './replica.ts';

/** The pairing of two nodes at a place, with the content that both hold. */
export function pairing(
  remote: RemoteEntry,
  localId: LocalId | null,
  place?: { parentId: RemoteId | null; name: string },
): SyncedEntry {
  return {
    remoteId: remote.id,
    localId,
    parentId: place === undefined ? remote.parentId : place.parentId,
    name: place === undefined ? remote.name : place.name,
    kind: remote.kind,
    content: remote.kind === 'file' ? remote.content : null,
  };
}

interface Placed {
  readonly parentId: LocalId;
  readonly name: string;
  readonly facts: StatFacts;
}

function movedOn(message: string): StaleError {
  return new StaleError({ code: 'moved-on', message });
}

/**
 * An entry of Box may come to the disk only at the place where it still stands in Box, and only under a name that no
 * other pairing has, though its own file is gone from the disk: that is a deletion which is about to be seen.
 *
 * Errors: StaleError 'moved-on'.
 */
export function assertStillNew(replica: Replica, remote: RemoteEntry, parent: LocalFolder): void {
  const now = replica.remote.get(remote.id);
  if (now === undefined || now.parentId !== remote.parentId || now.name !== remote.name)
    throw movedOn(`${remote.name} stands elsewhere in Box by now, or is gone`);
  const held = replica.local
    .named(parent.id, remote.name)
    .some(({ id }) => (replica.synced.byLocal(id)?.remoteId ?? remote.id) !== remote.id);
  if (held) throw movedOn(`the name ${remote.name} is still another entry's on the disk`);
}

/** A file on the disk may be replaced only by the entry of Box that it is paired with. Errors: StaleError 'moved-on'. */
export function assertStillPaired(replica: Replica, remote: RemoteEntry, local: LocalFile): void {
  if (replica.synced.byLocal(local.id)?.remoteId !== remote.id)
    throw movedOn(`${local.name} is another entry's by now`);
}

/** The node for something that the engine itself put on the disk: the one that a look at the disk made meanwhile, or a new one. */
function nodeIdAt(replica: Replica, placed: Placed): LocalId {
  const standing = replica.local
    .named(placed.parentId, placed.name)
    .find((node) => node.name === placed.name);
  return standing?.id ?? replica.nextLocalId();
}

/** The local node of a file that was just placed. */
export function placedFile(replica: Replica, placed: Placed, content: Content, id?: LocalId): LocalFile {
  return {
    kind: 'file',
    id: id ?? nodeIdAt(replica, placed),
    parentId: placed.parentId,
    name: placed.name,
    inode: placed.facts.inode,
    content: { ...content, modifiedAtMs: placed.facts.modifiedAtMs },
    changedAtMs: placed.facts.changedAtMs,
  };
}

/** The local node of a folder that was just made. */
export function placedFolder(replica: Replica, placed: Placed): LocalFolder {
  return {
    kind: 'folder',
    id: nodeIdAt(replica, placed),
    parentId: placed.parentId,
    name: placed.name,
    inode: placed.facts.inode,
  };
}

/** A local node at another place, after the engine moved it. */
export function movedEntry(entry: LocalEntry, parentId: LocalId, name: string, facts: StatFacts): LocalEntry {
  return entry.kind === 'folder'
    ? { ...entry, parentId, name, inode: facts.inode }
    : { ...entry, parentId, name, inode: facts.inode, changedAtMs: facts.changedAtMs };
}

interface FolderDeletion {
  readonly synced: SyncedNode;
  readonly folder: RemoteEntry;
}

/**
 * A folder goes from Box with all that is in it: what came into it, and was not known when that was decided, nobody deleted.
 *
 * Errors: StaleError 'folder-filled'.
 */
export async function assertNotFilled(
  { store, replica, filter }: { store: RemoteStore; replica: Replica; filter: Filter },
  { synced, folder }: FolderDeletion,
  signal: AbortSignal,
): Promise<void> {
  for (const each of replica.remote.subtree(folder.id)) {
    if (each.kind !== 'folder') continue;
    for (const found of (await store.list(each.id, signal)) ?? []) {
      const known = replica.remote.get(found.id);
      if (known?.parentId !== each.id || known.etag !== found.etag) throw folderFilled(found);
    }
  }
  // What was told of meanwhile is known by now, and was not when this was decided.
  const { remote, local } = replica;
  const again = planLocalGone({ remote, local, synced: replica.synced, filter }, synced, folder);
  if (again?.kind !== 'remove-remote') throw folderFilled(folder);
}

function folderFilled({ name }: RemoteEntry): StaleError {
  return new StaleError({ code: 'folder-filled', message: `${name} changed in Box, so its folder stays` });
}
