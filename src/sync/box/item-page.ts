import { z } from 'zod';
import { TransientError } from '../../errors.ts';
import { type BoxItem, readItem } from './entries.ts';

const pageSchema = z.object({
  entries: z.array(z.unknown()),
  // The end is told in three ways: null, an empty string, nothing.
  next_marker: z.union([z.string(), z.number().transform(String)]).nullish(),
});

/** One page of a listing that goes on by marker. Errors: TransientError 'answer-malformed'. */
export function readItemPage(json: unknown): { items: readonly BoxItem[]; nextMarker: string | undefined } {
  const result = pageSchema.safeParse(json);
  if (!result.success) {
    throw new TransientError({ code: 'answer-malformed', message: 'Box sent a listing without entries' });
  }
  return { items: result.data.entries.map(readItem), nextMarker: result.data.next_marker || undefined };
}
