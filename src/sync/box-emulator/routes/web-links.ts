import { z } from 'zod';
import type { Sight } from '../access/access.ts';
import { RIGHT } from '../access/rights.ts';
import type { Box } from '../box.ts';
import { bodyOf } from '../http/body.ts';
import { notModified, requireMatch } from '../http/conditions.ts';
import { type ActorContext, idOf, idParam } from '../http/context.ts';
import { given, reference } from '../http/given.ts';
import { askedFields } from '../http/query.ts';
import { empty, json, type Reply } from '../http/reply.ts';
import { api, type Route } from '../http/route.ts';
import { requireUnblocked } from '../operations/blocked.ts';
import { destinationOf, requireFreeName } from '../operations/place.ts';
import { trash } from '../operations/trash-operations.ts';
import { tell } from '../operations/tree-operations.ts';
import { ItemRenderer } from '../render/items.ts';
import { acceptedName, nameKey } from '../store/names.ts';
import { changeItem, itemChangeShape } from './item-change.ts';

const url = z
  .string()
  .max(2000)
  .regex(/^https?:\/\//i, 'not an http address');
const createSchema = z.object({
  url,
  parent: reference,
  name: given(z.string()),
  description: given(z.string().max(10_000)),
});
const changeSchema = z.object({ ...itemChangeShape, url: given(url) });

function show(box: Box, context: ActorContext, id: number): Reply {
  return answerWith(box, context, box.access.see(context.actor, id, 'web_link'));
}

function answerWith(box: Box, context: ActorContext, sight: Sight): Reply {
  return json(new ItemRenderer(box).standard({ sight }, askedFields(context)), 200, {
    etag: String(sight.row.etag),
  });
}

async function create(box: Box, context: ActorContext): Promise<Reply> {
  const body = await bodyOf(context, createSchema);
  const { actor } = context;
  const place = destinationOf(box, actor, idOf(body.parent.id));
  const fallback = body.url
    .replace(/^https?:\/\//i, '')
    .replaceAll('/', ' ')
    .trim();
  const name = acceptedName(body.name ?? fallback, 'web_link', box.settings.values);
  if (place.sight !== null) requireUnblocked(box, [...place.sight.ancestors, place.sight.row]);
  requireFreeName(box, actor, place, name);
  const row = box.store.transaction(() => {
    const made = box.store.items.insert({
      kind: 'web_link',
      parentId: place.parentId,
      ownerId: place.ownerId,
      name,
      nameKey: nameKey(name, box.settings.values.nameFolding),
      now: box.clock.now(),
      createdBy: actor.user.id,
      description: body.description ?? '',
      url: body.url,
    });
    tell(box, 'ITEM_CREATE', actor, made);
    return made;
  });
  return show(box, context, row.id);
}

async function update(box: Box, context: ActorContext): Promise<Reply> {
  const id = idParam(context);
  box.access.see(context.actor, id, 'web_link');
  const change = await bodyOf(context, changeSchema);
  changeItem(box, context, box.access.see(context.actor, id, 'web_link'), change);
  return show(box, context, id);
}

function remove(box: Box, context: ActorContext): Reply {
  const sight = box.access.see(context.actor, idParam(context), 'web_link');
  requireMatch(context, sight.row.etag);
  box.access.require(sight, RIGHT.delete);
  requireUnblocked(box, sight.ancestors);
  box.store.transaction(() => trash(box, context.actor, sight.row));
  return empty();
}

/** Bookmarks: they have names and places like files, and no content. */
export function webLinkRoutes(box: Box): readonly Route[] {
  return [
    api('POST', '/2.0/web_links', (context) => create(box, context)),
    api('GET', '/2.0/web_links/:id', (context) => {
      const sight = box.access.look(context.actor, idParam(context), 'web_link');
      return notModified(context, sight.row.etag) ?? answerWith(box, context, sight);
    }),
    api('PUT', '/2.0/web_links/:id', (context) => update(box, context)),
    api('DELETE', '/2.0/web_links/:id', (context) => remove(box, context)),
  ];
}
