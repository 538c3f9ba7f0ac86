import type { Sight } from '../access/access.ts';
import type { Actor } from '../auth/actor.ts';
import type { Box } from '../box.ts';
import type { ActorContext } from '../http/context.ts';
import { askedFields, limitParam, numberParam, textParam } from '../http/query.ts';
import { invalidParameter } from '../http/refusal.ts';
import { ItemRenderer } from '../render/items.ts';
import type { ItemRow } from '../store/rows.ts';
import { BEGINNING, isAfter, markerAt, readMarker, writeMarker } from './markers.ts';
import { columnOf, compareRows, type Order, orderOf } from './order.ts';

/** A folder to be listed; null stands for the actor's root. */
export type Listed = Sight | null;

const placeOf = (actor: Actor, listed: Listed) =>
  listed === null
    ? { parentId: 0, ownerId: actor.user.id }
    : { parentId: listed.row.id, ownerId: listed.row.owner_id };

/** The root's entries: what the user owns there, and what others share with him. */
function rootRows(box: Box, actor: Actor, order: Order): readonly Sight[] {
  const place = placeOf(actor, null);
  const owned = box.store.items.page(place, 'rank, name_key, id', box.settings.values.subtreeMaxEntries, 0);
  const sights = [...owned.map((row) => ownedSight(box, actor, row)), ...box.access.sharedRootsOf(actor)];
  return sights.sort((left, right) => compareRows(left.row, right.row, order));
}

const ownedSight = (box: Box, actor: Actor, row: ItemRow): Sight => box.access.recollect(actor, row);

function pageLength(box: Box, limit: number): number {
  const short = box.settings.values.shortPageEntries;
  return short > 0 ? Math.min(short, limit) : limit;
}

function render(box: Box, sights: readonly Sight[], asked: readonly string[] | undefined): unknown[] {
  const renderer = new ItemRenderer(box);
  return sights.map((sight) => renderer.mini(sight, asked));
}

/** One page by offset, as GET items and the item_collection of GET folder give it. */
export function offsetPage(
  box: Box,
  context: ActorContext,
  listed: Listed,
  fields: readonly string[] | undefined,
): Record<string, unknown> {
  const { actor } = context;
  const order = orderOf(context);
  const limit = limitParam(context);
  const offset = numberParam(context, 'offset', 0, { min: 0, max: box.settings.values.offsetMax });
  const length = pageLength(box, limit);
  let sights: readonly Sight[];
  let total: number;
  if (listed === null) {
    const all = rootRows(box, actor, order);
    total = all.length;
    sights = all.slice(offset, offset + length);
  } else {
    const place = placeOf(actor, listed);
    total = box.store.items.countActive(place);
    const phrase = `rank, ${columnOf(order)} ${order.direction}, id ${order.direction}`;
    const rows = box.store.items.page(place, phrase, length, offset);
    sights = rows.map((row) => box.access.childSight(actor, listed, row));
  }
  return {
    total_count: total,
    entries: render(box, sights, fields),
    offset,
    limit,
    order: [
      { by: 'type', direction: 'ASC' },
      { by: order.sort, direction: order.direction },
    ],
  };
}

/** How the last page says that it is the last. */
export function endMarker(box: Box): Readonly<Record<string, unknown>> {
  switch (box.settings.values.endMarker) {
    case 'null':
      return { next_marker: null };
    case 'empty':
      return { next_marker: '' };
    case 'absent':
      return {};
  }
}

/** One page by marker. */
export function markerPage(box: Box, context: ActorContext, listed: Listed): Record<string, unknown> {
  const { actor } = context;
  const limit = limitParam(context);
  if (listed === null && textParam(context, 'sort') !== undefined)
    throw invalidParameter('sort', 'sort is not supported here');
  const order = orderOf(context);
  const marker = textParam(context, 'marker');
  const after = marker === undefined ? undefined : readMarker(marker, order);
  const length = pageLength(box, limit);
  let found: readonly Sight[];
  if (listed === null) {
    found = rootRows(box, actor, order)
      .filter(({ row }) => after === undefined || isAfter(row, after, order))
      .slice(0, length + 1);
  } else {
    const by = { column: columnOf(order), direction: order.direction };
    const rows = box.store.items.pageAfter(placeOf(actor, listed), after, by, length + 1);
    found = rows.map((row) => box.access.childSight(actor, listed, row));
  }
  const page = found.slice(0, length);
  const last = page.at(-1);
  // A page of no entries ends nothing: it leads on to where it stands.
  const next = last === undefined ? (marker ?? writeMarker(BEGINNING, order)) : markerAt(last.row, order);
  return {
    entries: render(box, page, askedFields(context)),
    limit,
    ...(found.length > page.length ? { next_marker: next } : endMarker(box)),
  };
}
