import { z } from 'zod';
import { TransientError } from '../../errors.ts';
import type { RemoteFile } from '../tree/entry.ts';
import { readItem, toFile } from './entries.ts';

const uploadedSchema = z.object({ entries: z.array(z.unknown()).min(1) });

/**
 * The file that an upload made: Box answers with a list of one.
 *
 * Errors: TransientError 'answer-malformed', effect unknown.
 */
export function readUploaded(json: unknown): RemoteFile {
  const result = uploadedSchema.safeParse(json);
  if (result.success) return toFile(readItem(result.data.entries[0]));
  throw new TransientError({
    code: 'answer-malformed',
    message: 'Box accepted an upload without naming the file',
    effectUnknown: true,
  });
}
