import { z } from 'zod';
import type { Sight } from '../access/access.ts';
import { RIGHT } from '../access/rights.ts';
import type { Box } from '../box.ts';
import { bodyOf } from '../http/body.ts';
import { type ActorContext, askedFields, idOf, idParam, numberParam } from '../http/context.ts';
import { invalidParameter, notFound } from '../http/refusal.ts';
import { empty, json, type Reply } from '../http/reply.ts';
import { api, type Route } from '../http/route.ts';
import { holdSubtrees, requireUnblocked } from '../operations/blocked.ts';
import { endMarker } from '../operations/listing.ts';
import { destinationOf, requireFreeName } from '../operations/place.ts';
import { purge, restore } from '../operations/trash-operations.ts';
import { ItemRenderer } from '../render/items.ts';
import { acceptedName } from '../store/names.ts';
import type { ItemKind } from '../store/rows.ts';

const LIMIT_MAX = 1000;
const restoreSchema = z.object({
  name: z.string().optional(),
  parent: z.object({ id: z.coerce.string() }).nullish(),
});

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
  const { query } = context;
  const limit = Math.min(
    numberParam(context, 'limit', 100, { min: 0, max: Number.MAX_SAFE_INTEGER }),
    LIMIT_MAX,
  );
  const byMarker = query.get('usemarker') === 'true';
  for (const name of ['sort', 'direction', 'offset'])
    if (byMarker && query.get(name) !== null) throw invalidParameter(name, 'not with a marker');
  if (!byMarker && query.get('marker') !== null) throw invalidParameter('marker', 'usemarker is not set');
  const all = trashed(box, context);
  const renderer = new ItemRenderer(box);
  const asked = askedFields(context);
  const start = byMarker
    ? all.findIndex((sight) => sight.row.id > idOf(query.get('marker') ?? undefined))
    : numberParam(context, 'offset', 0, { min: 0, max: box.settings.values.offsetMax });
  const page = start < 0 ? [] : all.slice(start, start + limit);
  const entries = page.map((sight) => renderer.mini(sight, asked));
  const last = page.at(-1);
  if (byMarker) {
    const more = last !== undefined && start + page.length < all.length;
    return json({ entries, limit, ...(more ? { next_marker: String(last.row.id) } : endMarker(box)) });
  }
  const order = [
    { by: 'type', direction: 'ASC' },
    { by: 'name', direction: 'ASC' },
  ];
  return json({
    total_count: all.length,
    entries,
    offset: start,
    limit,
    order: box.settings.values.trashOrderAsObject ? order[0] : order,
  });
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
  if (parentGone && body.parent == null) throw notFound('parent', sight.row.parent_id);
  const parentId = body.parent == null ? sight.row.parent_id : idOf(body.parent.id);
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
