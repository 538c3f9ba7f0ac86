import { randomBytes } from 'node:crypto';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { errnoOf } from './errors.ts';
import { nameWithEnding } from './fitting-name.ts';

/** Names that end so are half-written: the sync engine never mirrors them and no reader's glob matches them. */
export const TEMPORARY_SUFFIX = '.mila-tmp';

/** A fresh temporary name beside `path`, hidden and on the same file system. */
export function temporaryPathFor(path: string): string {
  const ending = `.${randomBytes(6).toString('hex')}${TEMPORARY_SUFFIX}`;
  return join(dirname(path), nameWithEnding(`.${basename(path)}`, ending));
}

/** Make a rename in `directory` survive a power cut, where the file system can. */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } catch (error) {
    // Some network file systems refuse to sync a directory; the rename is then as durable as they make it.
    if (!['EINVAL', 'EPERM', 'ENOTSUP', 'EISDIR'].includes(errnoOf(error) ?? '')) throw error;
  } finally {
    await handle.close();
  }
}

interface AtomicWriteOptions {
  /** Where the half-written file stands; on the same file system as `path`. Default: beside it. */
  readonly temporaryPath?: string;
  /** Permission bits of the new file. Default 0o666 less the umask. */
  readonly mode?: number;
}

/**
 * Produce a file so that nobody ever sees it half-written under its final name.
 *
 * Guarantees: `fill` writes to a temporary file; it is synced to disk, closed and renamed over `path`;
 * after any failure the old content of `path` stands and the temporary file is gone.
 */
export async function writeAtomically(
  path: string,
  fill: (handle: FileHandle) => Promise<void>,
  options: AtomicWriteOptions = {},
): Promise<void> {
  const temporaryPath = options.temporaryPath ?? temporaryPathFor(path);
  const handle = await open(temporaryPath, 'wx', options.mode ?? 0o666);
  try {
    try {
      await fill(handle);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporaryPath, path);
  } catch (error) {
    await rm(temporaryPath, { force: true });
    throw error;
  }
  await syncDirectory(dirname(path));
}

/** Replace the content of a small file. Guarantees: as `writeAtomically`. */
export async function writeFileAtomically(
  path: string,
  content: string | Uint8Array,
  options: AtomicWriteOptions = {},
): Promise<void> {
  await writeAtomically(path, (handle) => handle.writeFile(content), options);
}
