import { rename } from 'node:fs/promises';
import { CorruptError } from '../../errors.ts';
import type { Logger } from '../../logger.ts';
import { VersionIndex } from '../index/version-index.ts';

/** An index that cannot be read is moved away: it is a cache, rebuilt from both sides. */
export async function openIndex(path: string, logger: Logger): Promise<VersionIndex> {
  try {
    return VersionIndex.open(path);
  } catch (error) {
    if (!(error instanceof CorruptError) || error.code === 'newer-schema') throw error;
    logger.warn({ path }, 'the index is damaged; it is kept beside and rebuilt');
    await setIndexAside(path);
    return VersionIndex.open(path);
  }
}

/** Move an index away that cannot be read. Only for who holds the mount's lock. Returns where it stands. */
export async function setIndexAside(path: string): Promise<string> {
  for (const suffix of ['', '-wal', '-shm'])
    await rename(`${path}${suffix}`, `${path}.damaged${suffix}`).catch(() => undefined);
  return `${path}.damaged`;
}
