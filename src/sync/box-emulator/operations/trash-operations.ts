import { rm } from 'node:fs/promises';
import type { Actor } from '../auth/actor.ts';
import type { Box } from '../box.ts';
import { refuse } from '../http/refusal.ts';
import { nameKey } from '../store/names.ts';
import type { ItemRow } from '../store/rows.ts';
import type { Destination } from './place.ts';
import { accountFor, reread, tell } from './tree-operations.ts';

/** Every item below a folder that was active when its ancestor was trashed, the folder itself not included. */
export function descendants(box: Box, folder: ItemRow): ItemRow[] {
  const found: ItemRow[] = [];
  const waiting = [folder];
  const max = box.settings.values.subtreeMaxEntries;
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (next.kind !== 'folder') continue;
    for (const child of box.store.items.children({ parentId: next.id, ownerId: next.owner_id })) {
      found.push(child);
      waiting.push(child);
    }
    if (found.length > max) throw refuse(503, 'unavailable', 'The folder is too large for one operation');
  }
  return found;
}

/** Move an item to the trash, a folder with all that is in it; or remove it for good where the enterprise says so. */
export function trash(box: Box, actor: Actor, row: ItemRow): void {
  const viewers = box.access.viewersOf(row);
  const below = box.settings.values.descendantEvents && row.kind === 'folder' ? descendants(box, row) : [];
  accountFor(box, { parentId: row.parent_id, ownerId: row.owner_id }, -row.size);
  box.store.items.update(row.id, { status: 'trashed', trashed_at: box.clock.now(), etag: row.etag + 1 });
  const changed = reread(box, row.id);
  tell(box, 'ITEM_TRASH', actor, changed, viewers);
  for (const child of below) tell(box, 'ITEM_TRASH', actor, { ...child, status: 'trashed' }, viewers);
  if (box.settings.values.deletePermanently) purge(box, changed);
}

/** Bring an item back from the trash to where it was, or to another place or name. */
export function restore(box: Box, actor: Actor, row: ItemRow, place: Destination, name: string): ItemRow {
  box.store.items.update(row.id, {
    status: 'active',
    trashed_at: null,
    parent_id: place.parentId,
    name,
    name_key: nameKey(name, box.settings.values.nameFolding),
    etag: row.etag + 1,
  });
  if (place.ownerId !== row.owner_id) changeOwner(box, row, place.ownerId);
  accountFor(box, place, row.size);
  const changed = reread(box, row.id);
  tell(box, 'ITEM_UNDELETE_VIA_TRASH', actor, changed);
  if (box.settings.values.descendantEvents && row.kind === 'folder')
    for (const child of descendants(box, changed)) tell(box, 'ITEM_UNDELETE_VIA_TRASH', actor, child);
  return changed;
}

/** Give an item and all below it to another owner, as a move into his tree does. */
export function changeOwner(box: Box, row: ItemRow, ownerId: number): void {
  const below = row.kind === 'folder' ? descendants(box, row) : [];
  for (const each of [row, ...below]) box.store.items.update(each.id, { owner_id: ownerId });
}

/** Remove a trashed item and all below it for good. No event tells of it. */
export function purge(box: Box, row: ItemRow): void {
  const below = row.kind === 'folder' ? descendants(box, row) : [];
  const files: string[] = [];
  for (const each of [...below, row]) {
    for (const version of box.store.versions.ofItem(each.id)) {
      box.store.versions.remove(version.id);
      const file = box.store.versions.usesBlob(version.blob_id)
        ? undefined
        : box.store.blobs.remove(version.blob_id);
      if (file !== undefined) files.push(file);
    }
    box.store.collaborations.removeOfItem(each.id);
    box.store.items.remove(each.id);
  }
  box.access.invalidate();
  // What cannot be deleted now is swept at the next start, as no row knows it any more.
  for (const file of files) rm(file, { force: true }).catch(() => undefined);
}
