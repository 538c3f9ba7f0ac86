import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';

/** Where a part belongs. Both ends are included. */
export interface PartRange {
  readonly start: number;
  readonly end: number;
}

/**
 * Write a part at its place in the session's file and give its SHA-1 back, in hex; undefined when it does not hold
 * exactly the bytes that its range announces.
 *
 * Guarantees: never writes outside the range, so that parts may arrive in parallel and in any order.
 */
export async function writePart(
  path: string,
  range: PartRange,
  source: AsyncIterable<Buffer>,
): Promise<string | undefined> {
  const hash = createHash('sha1');
  const file = await open(path, 'r+');
  let position = range.start;
  try {
    for await (const chunk of untilBrokenOff(source)) {
      if (position + chunk.byteLength > range.end + 1) return undefined;
      hash.update(chunk);
      let offset = 0;
      while (offset < chunk.byteLength) {
        const { bytesWritten } = await file.write(chunk, offset, chunk.byteLength - offset, position);
        offset += bytesWritten;
        position += bytesWritten;
      }
    }
  } finally {
    await file.close();
  }
  return position === range.end + 1 ? hash.digest('hex') : undefined;
}

/** What comes from a sender, up to where he goes away: too few bytes say the rest. */
async function* untilBrokenOff(source: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
  try {
    yield* source;
  } catch {
    // A failure of the file does not come here, only one of the connection.
  }
}

/** The SHA-1 of a whole file, in hex. */
export async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha1');
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 }))
    hash.update(chunk as Buffer);
  return hash.digest('hex');
}
