import { createHash } from 'node:crypto';
import { open, stat } from 'node:fs/promises';
import type { Workdir } from './workdir.ts';

/** Bytes moved at a time: small enough that a hundred participants' files can be read at once. */
const PIECE_BYTES = 1 << 18;

/**
 * Read a file piece by piece.
 *
 * Guarantees: one buffer for the whole file, so that memory does not grow with its size; a piece is only good
 * until the next one is asked for.
 */
async function* piecesOf(path: string, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
  const handle = await open(path, 'r');
  try {
    const buffer = Buffer.allocUnsafeSlow(PIECE_BYTES);
    for (;;) {
      signal?.throwIfAborted();
      const { bytesRead } = await handle.read(buffer, 0, PIECE_BYTES, null);
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await handle.close();
  }
}

/** What differs whenever a file is another one, or was written: as a `ByteSource` of it tells. */
export async function checkedFacts(path: string): Promise<string> {
  const { ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true });
  return `${ino}-${size}-${mtimeNs}-${ctimeNs}`;
}

/** A file's SHA-256 and size, read once and in pieces. */
export async function digestOf(
  path: string,
  signal?: AbortSignal,
): Promise<{ readonly sha256: string; readonly sizeBytes: number }> {
  const hash = createHash('sha256');
  let sizeBytes = 0;
  for await (const piece of piecesOf(path, signal)) {
    hash.update(piece);
    sizeBytes += piece.length;
  }
  return { sha256: hash.digest('hex'), sizeBytes };
}

/** Copy a file of this machine into the shared folder, so that it appears there whole or not at all. */
export async function publishFile(workdir: Workdir, path: string, source: string): Promise<void> {
  await workdir.writeStream(path, async (handle) => {
    for await (const piece of piecesOf(source)) await handle.writeFile(piece);
  });
}
