import type { Sight } from '../access/access.ts';
import { RIGHT } from '../access/rights.ts';
import type { Actor } from '../auth/actor.ts';
import type { Box } from '../box.ts';
import { idOf } from '../http/context.ts';
import { cyclical, notFound } from '../http/refusal.ts';
import { acceptedName } from '../store/names.ts';
import type { ItemRow, VersionRow } from '../store/rows.ts';
import { requireUnblocked } from './blocked.ts';
import { type Destination, destinationOf, requireFreeName } from './place.ts';
import { createFile, createFolder } from './tree-operations.ts';

/** What a copy is to be: where, under which name (the original's), and of which version (the current one). */
export interface CopyWish {
  readonly parentId: number;
  readonly name?: string | undefined;
  readonly version?: string | undefined;
}

/** Copy a file or a whole folder. The copy has a new id and starts at etag "0". Errors: 404 for a version there is not. */
export function copyItem(box: Box, actor: Actor, sight: Sight, wish: CopyWish): ItemRow {
  box.access.require(sight, RIGHT.download);
  const source = sight.row;
  const version = wish.version === undefined ? undefined : versionOf(box, source, idOf(wish.version));
  const place = destinationOf(box, actor, wish.parentId);
  const into = place.sight;
  if (
    into !== null &&
    (into.row.id === sight.row.id || into.ancestors.some((each) => each.id === sight.row.id))
  )
    throw cyclical();
  requireUnblocked(box, [
    ...sight.ancestors,
    sight.row,
    ...(into === null ? [] : [...into.ancestors, into.row]),
  ]);
  const wanted = acceptedName(wish.name ?? source.name, sight.row.kind, box.settings.values);
  requireFreeName(box, actor, place, wanted, { asList: sight.row.kind === 'folder' });
  return box.store.transaction(() =>
    version === undefined
      ? copyInto(box, actor, source, place, wanted)
      : copyFile(box, actor, { source, version }, place, wanted),
  );
}

function copyInto(box: Box, actor: Actor, source: ItemRow, place: Destination, name: string): ItemRow {
  if (source.kind === 'file') {
    const version = versionOf(box, source, source.version_id ?? -1);
    return copyFile(box, actor, { source, version }, place, name);
  }
  const copy = createFolder(box, actor, place, name, source.description);
  const below: Destination = { parentId: copy.id, ownerId: copy.owner_id, sight: null };
  for (const child of box.store.items.children({ parentId: source.id, ownerId: source.owner_id }))
    if (child.status === 'active' && child.kind !== 'web_link')
      copyInto(box, actor, child, below, child.name);
  return copy;
}

function versionOf(box: Box, file: ItemRow, id: number): VersionRow {
  const version = box.store.versions.get(id);
  if (version === undefined || version.item_id !== file.id || version.trashed_at !== null)
    throw notFound('file_version_id', id < 0 ? 'unknown' : id);
  return version;
}

function copyFile(
  box: Box,
  actor: Actor,
  { source, version }: { readonly source: ItemRow; readonly version: VersionRow },
  place: Destination,
  name: string,
): ItemRow {
  return createFile(box, actor, place, {
    attributes: {
      name,
      contentCreatedAt: source.content_created_at,
      contentModifiedAt: source.content_modified_at,
    },
    content: { kind: 'shared', blobId: version.blob_id, sha1: version.sha1, size: version.size },
    event: 'ITEM_COPY',
    description: source.description,
  });
}
