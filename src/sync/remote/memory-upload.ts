import { createHash } from 'node:crypto';
import { StaleError } from '../../errors.ts';
import type { TransferOptions, UploadSource } from './remote-store.ts';

/** What whoever gave up a call gets. */
export function abortedError(): Error {
  return new DOMException('The operation was aborted', 'AbortError');
}

/** The SHA-1 of some bytes, in hexadecimal digits. */
export function sha1Of(bytes: Uint8Array): string {
  return createHash('sha1').update(bytes).digest('hex');
}

/** Read a source whole, as a Box would. Errors: StaleError 'content-changed'. */
export async function collect(source: UploadSource, options: TransferOptions): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const chunk of source.open() as AsyncIterable<Uint8Array>) {
    if (options.signal?.aborted) throw abortedError();
    parts.push(chunk);
    options.onBytes?.(chunk.byteLength);
  }
  const bytes = Buffer.concat(parts);
  if (bytes.byteLength === source.sizeBytes && sha1Of(bytes) === source.sha1) return bytes;
  throw new StaleError({ code: 'content-changed', message: 'The local file changed while it was sent' });
}
