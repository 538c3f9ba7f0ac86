import { z } from 'zod';
import type { Sight } from '../access/access.ts';
import { RIGHT } from '../access/rights.ts';
import type { Box } from '../box.ts';
import { bodyOf } from '../http/body.ts';
import { type ActorContext, idOf, idParam } from '../http/context.ts';
import { given, reference } from '../http/given.ts';
import { askedFields, byMarkerParam, limitParam, numberParam, textParam } from '../http/query.ts';
import { invalidParameter, notFound } from '../http/refusal.ts';
import { empty, json, type Reply } from '../http/reply.ts';
import { api, type Route } from '../http/route.ts';
import { holdSubtrees, requireUnblocked } from '../operations/blocked.ts';
import { endMarker } from '../operations/listing.ts';
import { compareRows, orderOf } from '../operations/order.ts';
import { destinationOf, requireFreeName } from '../operations/place.ts';
import { purge, restore } from '../operations/trash-operations.ts';
import { ItemRenderer } from '../render/items.ts';
import { acceptedName } from '../store/names.ts';
import type { ItemKind } from '../store/rows.ts';

const restoreSchema = z.object({ name: given(z.string()), parent: given(reference) });

const COLLECTIONS: readonly (readonly [string, ItemKind])[] = [
  ['files', 'file'],
  ['folders', 'folder'],
  ['web_links', 'web_link'],
];

/** What lies in the trash of the actor: his own, and what he may delete of others'. */
function trashed(box: Box, context: ActorContext): readonly Sight[] {
  return box.store.items
    .trashed()
    .flatMap((row) => box.access.trashedSightOf(context.actor, row) ?? [])
    .filter((sight) => (sight.rights & sight.allowed & RIGHT.delete) !== 0);
}

function list(box: Box, context: ActorContext): Reply {
  return json(byMarkerParam(context) ? pageByMarker(box, context) : pageByOffset(box, context));
}

function pageByMarker(box: Box, context: ActorContext): Record<string, unknown> {
  for (const name of ['sort', 'direction', 'offset'])
    if (textParam(context, name) !== undefined) throw invalidParameter(name, 'not with a marker');
  const limit = limitParam(context);
  const after = numberParam(context, 'marker', 0, { min: 0, max: Number.MAX_SAFE_INTEGER });
  const found = trashed(box, context).filter((sight) => sight.row.id > after);
  const page = found.slice(0, limit);
  const more = found.length > page.length;
  return {
    entries: minis(box, context, page),
    limit,
    ...(more ? { next_marker: String(page.at(-1)?.row.id ?? after) } : endMarker(box)),
  };
}

function pageByOffset(box: Box, context: ActorContext): Record<string, unknown> {
  const limit = limitParam(context);
  const offset = numberParam(context, 'offset', 0, { min: 0, max: box.settings.values.offsetMax });
  const wanted = orderOf(context, ['name', 'date', 'size']);
  const all = [...trashed(box, context)].sort((left, right) => compareRows(left.row, right.row, wanted));
  const order = [
    { by: 'type', direction: 'ASC' },
    { by: wanted.sort, direction: wanted.direction },
  ];
  return {
    total_count: all.length,
    entries: minis(box, context, all.slice(offset, offset + limit)),
    offset,
    limit,
    order: box.settings.values.trashOrderAsObject ? order[0] : order,
  };
}

function minis(box: Box, context: ActorContext, page: readonly Sight[]): unknown[] {
  const renderer = new ItemRenderer(box);
  const asked = askedFields(context);
  return page.map((sight) => renderer.mini(sight, asked));
}

function get(box: Box, context: ActorContext, kind: ItemKind): Reply {
  const sight = box.access.seeTrashed(context.actor, idParam(context), kind);
  return json(new ItemRenderer(box).standard({ sight }, askedFields(context)));
}

async function bringBack(box: Box, context: ActorContext, kind: ItemKind): Promise<Reply> {
  const body = await bodyOf(context, restoreSchema);
  const { actor } = context;
  const sight = box.access.seeTrashed(actor, idParam(context), kind);
  box.access.require(sight, RIGHT.delete);
  const parentGone = sight.ancestors.some((folder) => folder.status !== 'active');
  if (parentGone && body.parent === undefined) throw notFound('parent', sight.row.parent_id);
  const parentId = body.parent === undefined ? sight.row.parent_id : idOf(body.parent.id);
  const place = destinationOf(box, actor, parentId);
  if (place.sight !== null) requireUnblocked(box, [...place.sight.ancestors, place.sight.row]);
  const name = acceptedName(body.name ?? sight.row.name, kind, box.settings.values);
  requireFreeName(box, actor, place, name);
  box.store.transaction(() => restore(box, actor, sight.row, place, name));
  if (kind === 'folder') holdSubtrees(box, sight.row.id, place.parentId);
  const restored = box.access.see(actor, sight.row.id, kind);
  return json(new ItemRenderer(box).standard({ sight: restored }, askedFields(context)), 201);
}

function remove(box: Box, context: ActorContext, kind: ItemKind): Reply {
  const sight = box.access.seeTrashed(context.actor, idParam(context), kind);
  box.access.require(sight, RIGHT.delete);
  box.store.transaction(() => purge(box, sight.row));
  return empty();
}

/** What was deleted, and the way back. */
export function trashRoutes(box: Box): readonly Route[] {
  return [
    api('GET', '/2.0/folders/trash/items', (context) => list(box, context)),
    ...COLLECTIONS.flatMap(([collection, kind]) => [
      api('GET', `/2.0/${collection}/:id/trash`, (context) => get(box, context, kind)),
      api('DELETE', `/2.0/${collection}/:id/trash`, (context) => remove(box, context, kind)),
      api('POST', `/2.0/${collection}/:id`, (context) => bringBack(box, context, kind)),
    ]),
  ];
}
