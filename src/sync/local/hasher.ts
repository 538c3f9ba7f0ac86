import { createHash } from 'node:crypto';
import { errnoOf } from '../../errors.ts';
import type { FileSystem, OpenFile } from './file-system.ts';
import { type StatFacts, sameFacts } from './stat-facts.ts';

/** A file's hash together with the facts under which it holds. */
export interface HashedFile {
  readonly facts: StatFacts;
  /** Lower-case hex SHA-1. */
  readonly sha1: string;
}

export interface HashOptions {
  readonly signal?: AbortSignal;
  /**
   * Write the file's pages to the disk first: a store through a memory map changes a file's times only at the first time
   * since its page was written, so without this a later store into the same page would never be seen.
   */
  readonly flush?: boolean;
}

const CHUNK_BYTES = 1 << 20;

/**
 * Hash a file's content.
 *
 * Guarantees: the file did not change while it was read (its facts before and after are equal, and as many bytes
 * came as it is long); memory does not grow with its size.
 * Errors: none for a file that changes, vanishes or is no plain file: undefined, look again later.
 */
export async function hashFile(
  files: FileSystem,
  path: string,
  { signal, flush = false }: HashOptions = {},
): Promise<HashedFile | undefined> {
  let file: OpenFile;
  try {
    file = await files.open(path, 'read');
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'EISDIR', 'ELOOP'].includes(errnoOf(error) ?? '')) return undefined;
    throw error;
  }
  try {
    if (flush) await file.syncData();
    const before = await file.facts();
    if (before.kind !== 'file') return undefined;
    const hash = createHash('sha1');
    const buffer = Buffer.allocUnsafe(Math.max(1, Math.min(CHUNK_BYTES, before.sizeBytes)));
    let position = 0;
    while (position < before.sizeBytes) {
      signal?.throwIfAborted();
      const count = await file.read(buffer, position);
      if (count === 0) return undefined;
      hash.update(buffer.subarray(0, count));
      position += count;
    }
    const after = await file.facts();
    return position === before.sizeBytes && sameFacts(before, after)
      ? { facts: after, sha1: hash.digest('hex') }
      : undefined;
  } finally {
    await file.close();
  }
}
