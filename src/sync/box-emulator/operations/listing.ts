import type { Sight } from '../access/access.ts';
import type { Actor } from '../auth/actor.ts';
import type { Box } from '../box.ts';
import { type ActorContext, askedFields, numberParam } from '../http/context.ts';
import { invalidParameter } from '../http/refusal.ts';
import { ItemRenderer } from '../render/items.ts';
import type { ItemRow } from '../store/rows.ts';

/** The most entries on one page, whatever was asked. */
const LIMIT_MAX = 1000;

const COLUMN_OF_SORT: Readonly<Record<string, string>> = {
  id: 'id',
  name: 'name_key',
  date: 'content_modified_at',
  size: 'size',
};

interface Order {
  readonly sort: string;
  readonly direction: 'ASC' | 'DESC';
}

/** A folder to be listed; null stands for the actor's root. */
export type Listed = Sight | null;

function orderOf(context: ActorContext): Order {
  const sort = context.query.get('sort') ?? 'name';
  const direction = (context.query.get('direction') ?? 'ASC').toUpperCase();
  if (!Object.hasOwn(COLUMN_OF_SORT, sort))
    throw invalidParameter('sort', `Invalid value '${sort.slice(0, 50)}'.`);
  if (direction !== 'ASC' && direction !== 'DESC')
    throw invalidParameter('direction', `Invalid value '${direction.slice(0, 50)}'.`);
  return { sort, direction };
}

const placeOf = (actor: Actor, listed: Listed) =>
  listed === null
    ? { parentId: 0, ownerId: actor.user.id }
    : { parentId: listed.row.id, ownerId: listed.row.owner_id };

/** The root's entries: what the user owns there, and what others share with him. */
function rootRows(box: Box, actor: Actor, order: Order): readonly Sight[] {
  const place = placeOf(actor, null);
  const owned = box.store.items.page(place, 'rank, name_key, id', box.settings.values.subtreeMaxEntries, 0);
  const sights = [...owned.map((row) => ownedSight(box, actor, row)), ...box.access.sharedRootsOf(actor)];
  return sights.sort((left, right) => compare(left.row, right.row, order));
}

const ownedSight = (box: Box, actor: Actor, row: ItemRow): Sight => box.access.recollect(actor, row);

function compare(left: ItemRow, right: ItemRow, order: Order): number {
  if (left.rank !== right.rank) return left.rank - right.rank;
  const sign = order.direction === 'ASC' ? 1 : -1;
  const [a, b] = [sortValue(left, order.sort), sortValue(right, order.sort)];
  if (a < b) return -sign;
  return a > b ? sign : left.id - right.id;
}

function sortValue(row: ItemRow, sort: string): string | number {
  switch (sort) {
    case 'id':
      return row.id;
    case 'date':
      return row.content_modified_at;
    case 'size':
      return row.size;
    default:
      return row.name_key;
  }
}

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
  const asked = numberParam(context, 'limit', 100, { min: 0, max: Number.MAX_SAFE_INTEGER });
  const limit = Math.min(asked, LIMIT_MAX);
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
    const phrase = `rank, ${COLUMN_OF_SORT[order.sort]} ${order.direction}, id ${order.direction}`;
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

interface Marker {
  readonly rank: number;
  readonly nameKey: string;
  readonly id: number;
}

function readMarker(value: string): Marker {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(value, 'base64url').toString('utf8'));
    if (Array.isArray(parsed) && parsed.length === 3) {
      const [rank, nameKey, id] = parsed as unknown[];
      if (typeof rank === 'number' && typeof nameKey === 'string' && typeof id === 'number')
        return { rank, nameKey, id };
    }
  } catch {
    // Fall through: what cannot be read is no marker of ours.
  }
  throw invalidParameter('marker', 'Invalid marker');
}

const writeMarker = (row: ItemRow) =>
  Buffer.from(JSON.stringify([row.rank, row.name_key, row.id])).toString('base64url');

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
  const { actor, query } = context;
  const limit = Math.min(
    numberParam(context, 'limit', 100, { min: 0, max: Number.MAX_SAFE_INTEGER }),
    LIMIT_MAX,
  );
  if (listed === null && query.get('sort') !== null)
    throw invalidParameter('sort', 'sort is not supported here');
  const value = query.get('marker') ?? '';
  const after: Marker = value === '' ? { rank: -1, nameKey: '', id: 0 } : readMarker(value);
  const length = pageLength(box, limit);
  let found: readonly Sight[];
  if (listed === null) {
    const natural: Order = { sort: 'name', direction: 'ASC' };
    found = rootRows(box, actor, natural)
      .filter(({ row }) => isAfter(row, after))
      .slice(0, length + 1);
  } else {
    const rows = box.store.items.pageAfter(placeOf(actor, listed), after, length + 1);
    found = rows.map((row) => box.access.childSight(actor, listed, row));
  }
  const page = found.slice(0, length);
  const last = page.at(-1);
  const more = found.length > page.length && last !== undefined;
  return {
    entries: render(box, page, askedFields(context)),
    limit,
    ...(more ? { next_marker: writeMarker(last.row) } : endMarker(box)),
  };
}

function isAfter(row: ItemRow, after: Marker): boolean {
  if (row.rank !== after.rank) return row.rank > after.rank;
  if (row.name_key !== after.nameKey) return row.name_key > after.nameKey;
  return row.id > after.id;
}
