import { rename } from 'node:fs/promises';
import { CorruptError, errnoOf, FullError, MilaError, StateError } from '../../errors.ts';
import type { Logger } from '../../logger.ts';
import { VersionIndex } from '../index/version-index.ts';

/**
 * Open a mount's index. One that cannot be read is moved away: it is a cache, rebuilt from both sides.
 *
 * Guarantees: an index is never moved away because the disk is full or may not be written.
 * Errors: FullError 'index-full'; StateError 'index-unwritable' | 'newer-schema'.
 */
export async function openIndex(path: string, logger: Logger): Promise<VersionIndex> {
  try {
    return open(path);
  } catch (error) {
    if (!(error instanceof CorruptError) || error.code === 'newer-schema') throw error;
    logger.warn({ path }, 'the index is damaged; it is kept beside and rebuilt');
    await setIndexAside(path);
    return open(path);
  }
}

function open(path: string): VersionIndex {
  try {
    return VersionIndex.open(path);
  } catch (error) {
    const reason = sqliteErrno(error);
    if (FULL.test(reason)) throw noRoomFor(path, error);
    if (UNWRITABLE.test(reason)) throw unwritable(path, reason, error);
    throw error;
  }
}

/** Shared memory that cannot grow is a full disk too. */
const FULL = /^(SQLITE_FULL|SQLITE_IOERR_SHMSIZE|ENOSPC|EDQUOT)$/;
const UNWRITABLE = /^(SQLITE_READONLY|SQLITE_CANTOPEN|SQLITE_IOERR|SQLITE_PERM|EROFS|EACCES|EPERM)/;

/** SQLite's own code, also behind an error that explains it; empty: none. */
function sqliteErrno(error: unknown): string {
  const explained = error instanceof MilaError && error.cause !== undefined ? error.cause : error;
  return errnoOf(explained) ?? '';
}

/** As `tolerateUnwritable`, for what takes a while. */
export async function tolerateUnwritableLater(storing: Promise<void>): Promise<void> {
  await storing.catch((error: unknown) => {
    if (!isUnwritable(error)) throw error;
  });
}

/** Store what is told again later, so that an index which its disk does not let be written ends nothing. */
export function tolerateUnwritable(store: () => void): void {
  try {
    store();
  } catch (error) {
    if (!isUnwritable(error)) throw error;
  }
}

function isUnwritable(error: unknown): boolean {
  const reason = sqliteErrno(error);
  return error instanceof FullError || FULL.test(reason) || UNWRITABLE.test(reason);
}

/** The disk takes nothing more of what stands at `path`. */
export function noRoomFor(path: string, cause: unknown): FullError {
  return new FullError({
    code: 'index-full',
    message: `the disk has no room for ${path}`,
    hint: 'Make room on that disk, and mount again.',
    data: { path },
    cause,
  });
}

function unwritable(path: string, reason: string, cause: unknown): StateError {
  return new StateError({
    code: 'index-unwritable',
    message: `the index ${path} cannot be opened for writing (${reason})`,
    hint: 'This user must be allowed to write there, on a disk that is not read-only; or mount into another directory with --dir.',
    data: { path },
    cause,
  });
}

/** Move an index away that cannot be read. Only for who holds the mount's lock. Returns where it stands. */
export async function setIndexAside(path: string): Promise<string> {
  for (const suffix of ['', '-wal', '-shm'])
    await rename(`${path}${suffix}`, `${path}.damaged${suffix}`).catch(() => undefined);
  return `${path}.damaged`;
}
