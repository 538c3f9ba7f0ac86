import { open, stat } from 'node:fs/promises';
import { errnoOf, StateError } from '../errors.ts';

/** How much of a file is looked at to know it. Units: bytes. */
const HEAD_BYTES = 65_536;

/** What a command writes to a path that a person named. */
export interface OwnFile {
  /** As the person named it, such as "--html report.html". */
  readonly named: string;
  readonly path: string;
  /** What this command writes there, such as "a page of mila-sync inspect". */
  readonly what: string;
  /** Whether what stands there was written by such a command. */
  readonly isOwn: (path: string) => Promise<boolean> | boolean;
}

/** The beginning of a file, as text. */
export async function headOf(path: string, maxBytes = HEAD_BYTES): Promise<string> {
  const handle = await open(path, 'r');
  try {
    const buffer = Buffer.alloc(maxBytes);
    const { bytesRead } = await handle.read(buffer, 0, maxBytes, 0);
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await handle.close();
  }
}

/**
 * Refuse to write over what somebody else wrote, such as a key that cannot be had again.
 *
 * Guarantees: a path where nothing stands, an empty file, and an earlier output of the same command may be written.
 * Errors: StateError 'foreign-file' for anything else, also for what cannot be looked into.
 */
export async function assertOwnOrNew(file: OwnFile): Promise<void> {
  const { path, isOwn } = file;
  const facts = await stat(path).catch((error: unknown) => {
    // What keeps it from being written otherwise is told by the writing.
    if (['ENOENT', 'ENOTDIR'].includes(errnoOf(error) ?? '')) return undefined;
    throw error;
  });
  if (facts === undefined || facts.isDirectory()) return;
  if (facts.isFile() && facts.size === 0) return;
  if (!facts.isFile() || !(await Promise.resolve(isOwn(path)).catch(() => false))) throw foreign(file);
}

function foreign({ named, path, what }: OwnFile): StateError {
  return new StateError({
    code: 'foreign-file',
    message: `${named}: what stands there is not ${what}, and is not written over`,
    hint: 'Give another name, or move that file away.',
    data: { path },
  });
}
