import { z } from 'zod';
import { RIGHT } from '../access/rights.ts';
import type { Box } from '../box.ts';
import { bodyOf } from '../http/body.ts';
import { notModified, requireMatch } from '../http/conditions.ts';
import { type ActorContext, idOf, idParam } from '../http/context.ts';
import { given, notEmulated, onlyAs, reference } from '../http/given.ts';
import { askedFields, booleanParam, byMarkerParam } from '../http/query.ts';
import { forbidden, insufficientScope, notFound, refuse } from '../http/refusal.ts';
import { empty, json, type Reply } from '../http/reply.ts';
import { api, type Route } from '../http/route.ts';
import { holdSubtrees, requireUnblocked } from '../operations/blocked.ts';
import { copyItem } from '../operations/copy.ts';
import { type Listed, markerPage, offsetPage } from '../operations/listing.ts';
import { destinationOf, requireFreeName } from '../operations/place.ts';
import { trash } from '../operations/trash-operations.ts';
import { createFolder } from '../operations/tree-operations.ts';
import { ItemRenderer } from '../render/items.ts';
import { renderRoot } from '../render/root.ts';
import { acceptedName } from '../store/names.ts';
import { changeItem, itemChangeShape } from './item-change.ts';

const settingsShape = { folder_upload_email: notEmulated, sync_state: onlyAs('not_synced') };
const createSchema = z.object({
  name: z.string(),
  parent: reference,
  description: given(z.string().max(10_000)),
  ...settingsShape,
});
const changeSchema = z.object({
  ...itemChangeShape,
  ...settingsShape,
  can_non_owners_invite: onlyAs(true),
  can_non_owners_view_collaborators: onlyAs(true),
  is_collaboration_restricted_to_enterprise: onlyAs(false),
});
const copySchema = z.object({ parent: reference, name: given(z.string()) });

async function create(box: Box, context: ActorContext): Promise<Reply> {
  const body = await bodyOf(context, createSchema);
  const { actor } = context;
  const place = destinationOf(box, actor, idOf(body.parent.id));
  const name = acceptedName(body.name, 'folder', box.settings.values);
  if (place.sight !== null) requireUnblocked(box, [...place.sight.ancestors, place.sight.row]);
  requireFreeName(box, actor, place, name, { asList: true });
  const row = box.store.transaction(() => createFolder(box, actor, place, name, body.description));
  return show(box, context, row.id, 201);
}

function show(box: Box, context: ActorContext, id: number, status = 200): Reply {
  const sight = box.access.see(context.actor, id, 'folder');
  const asked = askedFields(context);
  const wantsItems = asked === undefined || asked.includes('item_collection');
  // The entries inside a folder are mini items, whatever was asked for the folder itself.
  const itemCollection = wantsItems ? offsetPage(box, context, sight, undefined) : undefined;
  return json(new ItemRenderer(box).standard({ sight, itemCollection }, asked), status, {
    etag: String(sight.row.etag),
  });
}

function get(box: Box, context: ActorContext): Reply {
  const id = idParam(context);
  if (id === 0) {
    const { id: ownerId } = context.actor.user;
    const size = box.store.users.get(ownerId)?.space_used ?? 0;
    const itemCollection = offsetPage(box, context, null, undefined);
    return json(renderRoot({ box, ownerId, size, itemCollection }, askedFields(context)));
  }
  const sight = box.access.see(context.actor, id, 'folder');
  return notModified(context, sight.row.etag) ?? show(box, context, id);
}

function items(box: Box, context: ActorContext): Reply {
  const id = idParam(context);
  const listed: Listed = id === 0 ? null : box.access.see(context.actor, id, 'folder');
  if (listed === null && (box.access.allowedInRoot(context.actor) & RIGHT.list) === 0)
    throw context.actor.token.authority.restrictions === null ? insufficientScope() : notFound('folder', id);
  return json(
    byMarkerParam(context)
      ? markerPage(box, context, listed)
      : offsetPage(box, context, listed, askedFields(context)),
  );
}

async function update(box: Box, context: ActorContext): Promise<Reply> {
  const id = idParam(context);
  if (id === 0) throw forbidden();
  const sight = box.access.see(context.actor, id, 'folder');
  const change = await bodyOf(context, changeSchema);
  changeItem(box, context, box.access.see(context.actor, sight.row.id, 'folder'), change);
  return show(box, context, id);
}

function remove(box: Box, context: ActorContext): Reply {
  const id = idParam(context);
  if (id === 0) throw forbidden();
  const sight = box.access.see(context.actor, id, 'folder');
  const recursive = booleanParam(context, 'recursive');
  requireMatch(context, sight.row.etag);
  box.access.require(sight, RIGHT.delete);
  requireUnblocked(box, [...sight.ancestors, sight.row]);
  const place = { parentId: id, ownerId: sight.row.owner_id };
  if (!recursive && box.store.items.hasActiveChild(place))
    throw refuse(400, 'folder_not_empty', 'Cannot delete - folder not empty');
  box.store.transaction(() => trash(box, context.actor, sight.row));
  holdSubtrees(box, id, sight.row.parent_id);
  return empty();
}

async function copy(box: Box, context: ActorContext): Promise<Reply> {
  const id = idParam(context);
  if (id === 0) throw refuse(500, 'internal_server_error', 'Internal Server Error');
  const body = await bodyOf(context, copySchema);
  const sight = box.access.see(context.actor, id, 'folder');
  const row = copyItem(box, context.actor, sight, { parentId: idOf(body.parent.id), name: body.name });
  holdSubtrees(box, id, row.parent_id);
  return show(box, context, row.id, 201);
}

/** Folders and what is in them. */
export function folderRoutes(box: Box): readonly Route[] {
  return [
    api('POST', '/2.0/folders', (context) => create(box, context)),
    api('GET', '/2.0/folders/:id', (context) => get(box, context)),
    api('PUT', '/2.0/folders/:id', (context) => update(box, context)),
    api('DELETE', '/2.0/folders/:id', (context) => remove(box, context)),
    api('GET', '/2.0/folders/:id/items', (context) => items(box, context)),
    api('POST', '/2.0/folders/:id/copy', (context) => copy(box, context)),
  ];
}
