import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import type { UploadSource } from '../../../src/sync/remote/remote-store.ts';

export const sha1 = (bytes: Uint8Array): string => createHash('sha1').update(bytes).digest('hex');

/** Content for an upload, from memory. */
export function sourceOf(
  content: string | Uint8Array,
  modifiedAtMs = Date.UTC(2026, 0, 2, 3, 4, 5),
): UploadSource {
  const bytes = typeof content === 'string' ? Buffer.from(content) : Buffer.from(content);
  return {
    sizeBytes: bytes.byteLength,
    sha1: sha1(bytes),
    modifiedAtMs,
    open: ({ offset = 0, end = bytes.byteLength } = { offset: 0 }) =>
      Readable.from(pieces(bytes.subarray(offset, end)), { objectMode: false }),
  };
}

function* pieces(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.byteLength; at += 65_536) yield bytes.subarray(at, at + 65_536);
}

/** The bytes of a stream, which must end well. */
export async function bytesOf(stream: Readable): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const chunk of stream) parts.push(chunk as Buffer);
  return Buffer.concat(parts);
}
