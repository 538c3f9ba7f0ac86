import { createHash } from 'node:crypto';
import { open, rm } from 'node:fs/promises';
import type { Box } from '../box.ts';
import { fileTooLarge } from '../http/refusal.ts';
import type { Content } from '../operations/tree-operations.ts';
import { INLINE_MAX_BYTES } from '../store/blobs.ts';

/** Content received and kept, not yet recorded in any version. */
export interface Received {
  readonly content: Content;
  /** Throw the bytes away when no version came of them. */
  discard(): Promise<void>;
}

/**
 * Receive content, small into memory and large straight to disk.
 *
 * Guarantees: memory does not grow with the size; nothing is left behind when the sender breaks off.
 * Errors: 403 `file_size_limit_exceeded` above `maxBytes`; whatever the source fails with.
 */
export async function receiveContent(
  box: Box,
  source: AsyncIterable<Buffer>,
  maxBytes = box.settings.values.fileSizeMaxBytes,
): Promise<Received> {
  const hash = createHash('sha1');
  const held: Buffer[] = [];
  let size = 0;
  const temporaryPath = box.store.blobs.temporaryPath();
  let file: Awaited<ReturnType<typeof open>> | undefined;
  try {
    for await (const chunk of source) {
      size += chunk.byteLength;
      if (size > maxBytes) throw fileTooLarge();
      hash.update(chunk);
      if (file === undefined && size > INLINE_MAX_BYTES) {
        file = await open(temporaryPath, 'wx');
        for (const early of held.splice(0)) await writeAll(file, early);
      }
      if (file === undefined) held.push(chunk);
      else await writeAll(file, chunk);
    }
  } catch (error) {
    await file?.close();
    await rm(temporaryPath, { force: true });
    throw error;
  }
  const sha1 = hash.digest('hex');
  if (file === undefined)
    return { content: { kind: 'inline', bytes: Buffer.concat(held), sha1, size }, discard: async () => {} };
  await file.close();
  const blobId = await box.store.blobs.adopt(temporaryPath);
  return {
    content: { kind: 'stored', blobId, sha1, size },
    discard: () => rm(box.store.blobs.pathOf(blobId), { force: true }),
  };
}

async function writeAll(file: Awaited<ReturnType<typeof open>>, chunk: Buffer): Promise<void> {
  let offset = 0;
  while (offset < chunk.byteLength) {
    const { bytesWritten } = await file.write(chunk, offset, chunk.byteLength - offset);
    offset += bytesWritten;
  }
}
