import type { LocalId, RemoteId } from '../../ids.ts';
import type { StatFacts } from '../local/stat-facts.ts';
import type { Content, LocalEntry, LocalFile, LocalFolder, RemoteEntry, SyncedEntry } from '../tree/entry.ts';
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
