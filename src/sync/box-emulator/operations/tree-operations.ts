import type { Actor } from '../auth/actor.ts';
import type { Box } from '../box.ts';
import { fileTooLarge, refuse } from '../http/refusal.ts';
import { nameKey } from '../store/names.ts';
import type { ItemRow } from '../store/rows.ts';
import type { Destination } from './place.ts';

/** A file's content about to be recorded: either small bytes, or a file already adopted by the blob store. */
export type Content =
  | { readonly kind: 'inline'; readonly bytes: Uint8Array; readonly sha1: string; readonly size: number }
  | { readonly kind: 'stored'; readonly blobId: string; readonly sha1: string; readonly size: number }
  /** Content that another version already holds. */
  | { readonly kind: 'shared'; readonly blobId: string; readonly sha1: string; readonly size: number };

/** What a new file or version is to be. */
export interface FileAttributes {
  readonly name: string;
  readonly contentCreatedAt?: number | undefined;
  readonly contentModifiedAt?: number | undefined;
}

/** Tell everyone who sees the item, and those who saw it before the change. */
export function tell(box: Box, type: string, by: Actor, row: ItemRow, also: Iterable<number> = []): void {
  const recipients = box.access.viewersOf(row);
  for (const userId of also) recipients.add(userId);
  box.feed.record({ type, by: by.user.id, source: { kind: 'item', row }, recipients });
}

/** The row again, after a change. */
export function reread(box: Box, id: number): ItemRow {
  const row = box.store.items.get(id);
  if (row === undefined) throw new TypeError(`item ${id} vanished within its own transaction`);
  return row;
}

/** Count bytes in or out of a place and its owner's storage. */
export function accountFor(box: Box, place: { parentId: number; ownerId: number }, bytes: number): void {
  box.store.items.addSize(place.parentId, bytes);
  box.store.users.addSpaceUsed(place.ownerId, bytes);
}

/** Errors: 403 `storage_limit_exceeded`, `file_size_limit_exceeded`. */
export function requireSpace(box: Box, ownerId: number, size: number): void {
  if (size > box.settings.values.fileSizeMaxBytes) throw fileTooLarge();
  const owner = box.store.users.get(ownerId);
  if (owner !== undefined && owner.space_amount >= 0 && owner.space_used + size > owner.space_amount)
    throw refuse(403, 'storage_limit_exceeded', 'Account storage limit reached');
}

/** Create a folder. */
export function createFolder(
  box: Box,
  actor: Actor,
  place: Destination,
  name: string,
  description = '',
): ItemRow {
  const row = box.store.items.insert({
    kind: 'folder',
    parentId: place.parentId,
    ownerId: place.ownerId,
    name,
    nameKey: nameKey(name, box.settings.values.nameFolding),
    now: box.clock.now(),
    createdBy: actor.user.id,
    description,
  });
  tell(box, 'ITEM_CREATE', actor, row);
  return row;
}

/** Create a file with its first version. */
export function createFile(
  box: Box,
  actor: Actor,
  place: Destination,
  file: {
    readonly attributes: FileAttributes;
    readonly content: Content;
    readonly event?: string;
    readonly description?: string;
  },
): ItemRow {
  const { attributes, content } = file;
  requireSpace(box, place.ownerId, content.size);
  const inserted = box.store.items.insert({
    kind: 'file',
    parentId: place.parentId,
    ownerId: place.ownerId,
    name: attributes.name,
    nameKey: nameKey(attributes.name, box.settings.values.nameFolding),
    now: box.clock.now(),
    contentCreatedAt: attributes.contentCreatedAt,
    contentModifiedAt: attributes.contentModifiedAt,
    createdBy: actor.user.id,
    description: file.description ?? '',
  });
  const versionId = recordVersion(box, actor, inserted, attributes.name, content);
  box.store.items.update(inserted.id, { version_id: versionId, sha1: content.sha1, size: content.size });
  accountFor(box, place, content.size);
  const row = reread(box, inserted.id);
  tell(box, file.event ?? 'ITEM_UPLOAD', actor, row);
  return row;
}

/** Add a version to a file. */
export function addVersion(
  box: Box,
  actor: Actor,
  row: ItemRow,
  file: { readonly attributes: FileAttributes; readonly content: Content; readonly event?: string },
): ItemRow {
  const { attributes, content } = file;
  requireSpace(box, row.owner_id, Math.max(0, content.size - row.size));
  const now = box.clock.now();
  const versionId = recordVersion(box, actor, row, attributes.name, content);
  box.store.items.update(row.id, {
    version_id: versionId,
    version_number: row.version_number + 1,
    sha1: content.sha1,
    size: content.size,
    etag: row.etag + 1,
    name: attributes.name,
    name_key: nameKey(attributes.name, box.settings.values.nameFolding),
    modified_at: now,
    modified_by: actor.user.id,
    content_modified_at: attributes.contentModifiedAt ?? now,
  });
  accountFor(box, { parentId: row.parent_id, ownerId: row.owner_id }, content.size - row.size);
  const changed = reread(box, row.id);
  tell(box, file.event ?? 'ITEM_UPLOAD', actor, changed);
  return changed;
}

function recordVersion(box: Box, actor: Actor, row: ItemRow, name: string, content: Content): number {
  const now = box.clock.now();
  if (content.kind === 'stored') box.store.blobs.record(content.blobId, content.size);
  const blobId = content.kind === 'inline' ? box.store.blobs.addInline(content.bytes) : content.blobId;
  return box.store.versions.insert({
    item_id: row.id,
    blob_id: blobId,
    sha1: content.sha1,
    size: content.size,
    name,
    number: row.version_id === null ? 1 : row.version_number + 1,
    created_at: now,
    modified_at: now,
    modified_by: actor.user.id,
  }).id;
}
