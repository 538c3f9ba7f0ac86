import { invalidParameter } from '../http/refusal.ts';
import type { ItemRow } from '../store/rows.ts';
import { compareRanked, type Order, type Ranked, rankedAs } from './order.ts';

/** Before everything. */
export const BEGINNING: Ranked = { rank: -1, value: '', id: 0 };

/**
 * Read a marker.
 *
 * Errors: 400 for what is none, and for one that another order gave: its place means nothing in this one.
 */
export function readMarker(text: string, order: Order): Ranked {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
    if (Array.isArray(parsed) && parsed.length === 5) {
      const [rank, value, id, sort, direction] = parsed as unknown[];
      const known = typeof rank === 'number' && typeof id === 'number';
      const comparable = typeof value === 'string' || typeof value === 'number';
      if (known && comparable && sort === order.sort && direction === order.direction)
        return { rank, value, id };
    }
  } catch {
    // Fall through: what cannot be read is no marker of ours.
  }
  throw invalidParameter('marker', 'Invalid marker');
}

/** A marker as it is given out. */
export function writeMarker({ rank, value, id }: Ranked, { sort, direction }: Order): string {
  return Buffer.from(JSON.stringify([rank, value, id, sort, direction])).toString('base64url');
}

/** The marker of what follows an item. */
export function markerAt(row: ItemRow, order: Order): string {
  return writeMarker(rankedAs(row, order), order);
}

/** Whether an item stands behind a marker. */
export function isAfter(row: ItemRow, after: Ranked, order: Order): boolean {
  return compareRanked(rankedAs(row, order), after, order) > 0;
}
