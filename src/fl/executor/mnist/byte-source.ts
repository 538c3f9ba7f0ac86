import { open, readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { CorruptError, messageOf } from '../../../errors.ts';

/** A compressed file that unpacks to more than this is no file of digits; MNIST's largest has 47 MB. Units: bytes. */
const UNPACKED_MAX = 64 * 1024 * 1024;
/** How a compressed file's name ends. */
export const PACKED = '.gz';

/** Bytes that can be read at any position. */
export interface ByteSource {
  /** Fill `target` from `position` on. Returns: how many bytes there were. */
  read(target: Uint8Array, position: number): Promise<number>;
  close(): Promise<void>;
}

/**
 * Open a file for reading at any position; one that is compressed is unpacked into memory.
 *
 * Errors: CorruptError 'idx-malformed' for a compressed file that does not unpack, or to too much.
 */
export async function openBytes(path: string): Promise<ByteSource> {
  if (path.endsWith(PACKED)) return packedBytes(path);
  const handle = await open(path, 'r');
  return {
    read: async (target, position) => (await handle.read(target, 0, target.length, position)).bytesRead,
    close: () => handle.close(),
  };
}

async function packedBytes(path: string): Promise<ByteSource> {
  const packed = await readFile(path);
  const bytes = await promisify(gunzip)(packed, { maxOutputLength: UNPACKED_MAX }).catch((cause: unknown) => {
    throw new CorruptError({
      code: 'idx-malformed',
      message: `${path} does not unpack: ${messageOf(cause)}`,
      data: { path },
      cause,
    });
  });
  return {
    read: async (target, position) => {
      const part = bytes.subarray(position, position + target.length);
      target.set(part);
      return part.length;
    },
    close: async () => {},
  };
}
