import type { Sight } from '../access/access.ts';
import { RIGHT } from '../access/rights.ts';
import type { Actor } from '../auth/actor.ts';
import type { Box } from '../box.ts';
import { cyclical, refuse } from '../http/refusal.ts';
import { acceptedName } from '../store/names.ts';
import type { ItemRow } from '../store/rows.ts';
import { requireUnblocked } from './blocked.ts';
import { type Destination, destinationOf, requireFreeName } from './place.ts';
import { createFile, createFolder } from './tree-operations.ts';

/** Copy a file or a whole folder. The copy has a new id and starts at etag "0". */
export function copyItem(
  box: Box,
  actor: Actor,
  sight: Sight,
  parentId: number,
  name: string | undefined,
): ItemRow {
  box.access.require(sight, RIGHT.download);
  const place = destinationOf(box, actor, parentId);
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
  const wanted = acceptedName(name ?? sight.row.name, sight.row.kind, box.settings.values);
  requireFreeName(box, actor, place, wanted, { asList: sight.row.kind === 'folder' });
  return box.store.transaction(() => copyInto(box, actor, sight.row, place, wanted));
}

function copyInto(box: Box, actor: Actor, source: ItemRow, place: Destination, name: string): ItemRow {
  if (source.kind === 'file') return copyFile(box, actor, source, place, name);
  const copy = createFolder(box, actor, place, name, source.description);
  const below: Destination = { parentId: copy.id, ownerId: copy.owner_id, sight: null };
  for (const child of box.store.items.children({ parentId: source.id, ownerId: source.owner_id }))
    if (child.status === 'active' && child.kind !== 'web_link')
      copyInto(box, actor, child, below, child.name);
  return copy;
}

function copyFile(box: Box, actor: Actor, source: ItemRow, place: Destination, name: string): ItemRow {
  const version = box.store.versions.get(source.version_id ?? -1);
  if (version === undefined) throw refuse(500, 'internal_server_error', 'Internal Server Error');
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
