import { createHash, randomBytes } from 'node:crypto';
import { appendFile, writeFile } from 'node:fs/promises';

const MIB = 1024 * 1024;

/** Write a file of so many MiB in pieces, as a program writes a checkpoint. Returns its SHA-1. */
export async function writeLargeFile(path: string, mebibytes: number): Promise<string> {
  const hash = createHash('sha1');
  await writeFile(path, '');
  for (let at = 0; at < mebibytes; at += 1) {
    const piece = Buffer.concat([randomBytes(1024), Buffer.alloc(MIB - 1024, at)]);
    hash.update(piece);
    await appendFile(path, piece);
  }
  return hash.digest('hex');
}
