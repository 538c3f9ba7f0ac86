import type { RemoteId } from '../../ids.ts';
import type { ChangeHint } from '../remote/remote-store.ts';
import type { Replica } from './replica.ts';

/**
 * True for an event after which all may be out of sight, or may have been for a while: of access, of the mirrored folder,
 * or of one outside the mirror, which may be one above it.
 */
export function mayHideAll(
  replica: Replica,
  { itemId, kind, parentId, folder, accessChanged }: ChangeHint,
): boolean {
  if (accessChanged || itemId === replica.remoteRoot.id) return true;
  const isOutside = kind === 'folder' && itemId !== null && !replica.remote.has(itemId);
  return isOutside && folder === undefined && parentId !== null && !replica.remote.has(parentId);
}

/** False for items of other folders. */
export function concernsMirror(replica: Replica, { itemId, parentId }: ChangeHint): boolean {
  if (itemId === null || itemId === replica.remoteRoot.id) return itemId !== null;
  if (replica.remote.has(itemId)) return true;
  return parentId === null || replica.remote.has(parentId);
}

/** The folder whose listing tells all about a hint's item; null when there is none. */
export function placeOf(replica: Replica, { itemId, parentId }: ChangeHint): RemoteId | null {
  const known = itemId === null ? undefined : replica.remote.get(itemId);
  // Only when the feed and the tree agree on the folder does listing that folder tell all about the item.
  if (known === undefined) return parentId;
  return known.parentId === parentId ? parentId : null;
}
