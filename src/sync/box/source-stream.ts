import { createHash } from 'node:crypto';
import { StaleError } from '../../errors.ts';
import type { UploadSource } from '../remote/remote-store.ts';

interface Range {
  readonly offset: number;
  readonly end: number;
}

function changed(detail: string): StaleError {
  return new StaleError({
    code: 'content-changed',
    message: `The local file changed while it was sent: ${detail}`,
  });
}

/**
 * A source's bytes on their way out.
 *
 * Guarantees: exactly the range's length, or an error; never a byte more than was announced.
 * Errors: StaleError 'content-changed' when the source is shorter, longer, or (for the whole) hashes differently.
 */
export async function* sourceChunks(
  source: UploadSource,
  range: Range = { offset: 0, end: source.sizeBytes },
  onBytes?: (bytes: number) => void,
): AsyncGenerator<Uint8Array> {
  const whole = range.offset === 0 && range.end === source.sizeBytes;
  const hash = whole ? createHash('sha1') : undefined;
  const expected = range.end - range.offset;
  let seen = 0;
  // Nothing is read for nothing: no file can be opened "up to byte 0".
  if (expected === 0 && hash !== undefined && hash.digest('hex') !== source.sha1) {
    throw changed('its hash is another');
  }
  if (expected > 0) {
    for await (const chunk of source.open(range) as AsyncIterable<Uint8Array>) {
      seen += chunk.byteLength;
      if (seen > expected) throw changed(`it grew beyond ${expected} bytes`);
      hash?.update(chunk);
      // The last bytes are held back until the hash agrees: a changed file must not arrive complete.
      if (seen === expected && hash !== undefined && hash.digest('hex') !== source.sha1) {
        throw changed('its hash is another');
      }
      yield chunk;
      onBytes?.(chunk.byteLength);
    }
  }
  if (seen < expected) throw changed(`it ends after ${seen} of ${expected} bytes`);
}
