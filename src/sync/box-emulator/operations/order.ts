import type { ActorContext } from '../http/context.ts';
import { choiceParam, directionParam } from '../http/query.ts';
import type { ItemRow } from '../store/rows.ts';

/** How entries of one type stand among each other; types come folders first, then files, then web links. */
export interface Order {
  readonly sort: string;
  readonly direction: 'ASC' | 'DESC';
}

const COLUMN_OF_SORT = {
  id: 'id',
  name: 'name_key',
  date: 'content_modified_at',
  size: 'size',
} as const;

type Column = (typeof COLUMN_OF_SORT)[keyof typeof COLUMN_OF_SORT];

/** The order that was asked for, by name when none was. Errors: 400 for one that there is not. */
export function orderOf(
  context: ActorContext,
  sorts: readonly string[] = Object.keys(COLUMN_OF_SORT),
): Order {
  return { sort: choiceParam(context, 'sort', sorts, 'name'), direction: directionParam(context) };
}

/** The column that holds what an order compares. */
export function columnOf({ sort }: Order): Column {
  return COLUMN_OF_SORT[sort as keyof typeof COLUMN_OF_SORT] ?? COLUMN_OF_SORT.name;
}

/** What places an item in an order. */
export interface Ranked {
  readonly rank: number;
  readonly value: string | number;
  readonly id: number;
}

/** Where an item stands in an order. */
export function rankedAs(row: ItemRow, order: Order): Ranked {
  return { rank: row.rank, value: row[columnOf(order)], id: row.id };
}

/** Negative when the first stands before the second. */
export function compareRanked(left: Ranked, right: Ranked, { direction }: Order): number {
  if (left.rank !== right.rank) return left.rank - right.rank;
  const sign = direction === 'ASC' ? 1 : -1;
  if (left.value < right.value) return -sign;
  return left.value > right.value ? sign : sign * (left.id - right.id);
}

/** Compare two items as a listing orders them. */
export function compareRows(left: ItemRow, right: ItemRow, order: Order): number {
  return compareRanked(rankedAs(left, order), rankedAs(right, order), order);
}
