import { open } from 'node:fs/promises';
import { StaleError } from '../../../errors.ts';

/** Protobuf's wire type of strings and bytes. */
const LENGTH_DELIMITED = 2;
/** Read at a time, so that the loop of this process is not held up by a gigabyte. Units: bytes. */
const PIECE_BYTES = 1 << 22;

/** A base-128 varint. Units: `value` an unsigned 32-bit integer. */
function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value >>> 0;
  while (rest > 0x7f) {
    bytes.push((rest & 0x7f) | 0x80);
    rest >>>= 7;
  }
  bytes.push(rest);
  return Buffer.from(bytes);
}

function fieldHead(number: number, sizeBytes: number): Buffer {
  return Buffer.concat([varint((number << 3) | LENGTH_DELIMITED), varint(sizeBytes)]);
}

interface FileMessageOptions {
  /** Field 1: a token's characters, or the task configuration. */
  readonly first: Buffer;
  /** The file whose bytes are field 2; null leaves the field out. */
  readonly path: string | null;
}

/**
 * Encode a `Model` or a `Checkpoint` whose second field is a whole file.
 *
 * Guarantees: the file's bytes are read straight into the message, so that they are in memory once.
 * Errors: StaleError 'file-changed' when the file shrank meanwhile.
 * Source: protobuf encoding guide; both messages are two length-delimited fields, 1 and 2.
 */
export async function encodeFileMessage({ first, path }: FileMessageOptions): Promise<Buffer> {
  const head = first.length === 0 ? Buffer.alloc(0) : Buffer.concat([fieldHead(1, first.length), first]);
  if (path === null) return head;
  const handle = await open(path, 'r');
  try {
    const { size } = await handle.stat();
    // As every proto3 encoder: a field with its default value is not there.
    if (size === 0) return head;
    const start = Buffer.concat([head, fieldHead(2, size)]);
    const message = Buffer.allocUnsafeSlow(start.length + size);
    start.copy(message);
    for (let offset = start.length; offset < message.length; ) {
      const { bytesRead } = await handle.read(
        message,
        offset,
        Math.min(PIECE_BYTES, message.length - offset),
        null,
      );
      if (bytesRead === 0)
        throw new StaleError({ code: 'file-changed', message: `${path} changed while it was read` });
      offset += bytesRead;
    }
    return message;
  } finally {
    await handle.close();
  }
}
