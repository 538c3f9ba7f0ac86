import { createHash } from 'node:crypto';
import { CorruptError } from '../../errors.ts';
import type { UploadSource } from '../remote/remote-store.ts';
import { throwIfAborted } from './abort.ts';
import { sourceChunks } from './source-stream.ts';
import type { StoredPart, UploadSession } from './upload-session.ts';

/** A piece of a file: from `offset` to `end`, exclusive. Units: bytes. */
export interface Part {
  readonly offset: number;
  readonly end: number;
}

/** The pieces that Box wants of a file, in their order. */
export function partsOf(session: UploadSession, sizeBytes: number): Part[] {
  const parts: Part[] = [];
  for (let offset = 0; offset < sizeBytes; offset += session.partSizeBytes) {
    parts.push({ offset, end: Math.min(sizeBytes, offset + session.partSizeBytes) });
  }
  return parts;
}

/** Hash a part before it is sent, since its digest goes ahead of it: read twice rather than held. */
export async function digestOf(
  source: UploadSource,
  part: Part,
  signal: AbortSignal,
): Promise<{ hex: string; base64: string }> {
  const hash = createHash('sha1');
  for await (const chunk of sourceChunks(source, part)) {
    throwIfAborted(signal);
    hash.update(chunk);
  }
  const digest = hash.digest();
  return { hex: digest.toString('hex'), base64: digest.toString('base64') };
}

/** What Box holds must be what was sent. Errors: CorruptError 'upload-corrupt'. */
export function checkedPart(stored: StoredPart, sent: Part & { readonly sha1: string }): StoredPart {
  const same =
    stored.offset === sent.offset &&
    stored.size === sent.end - sent.offset &&
    (!stored.sha1 || stored.sha1.toLowerCase() === sent.sha1);
  // The hash is ours when Box leaves it out: commit refuses parts without one.
  if (same) return { ...stored, sha1: sent.sha1 };
  throw new CorruptError({
    code: 'upload-corrupt',
    message: `Box stored other bytes than were sent at offset ${sent.offset}`,
  });
}
