import { chmod, chown, stat } from 'node:fs/promises';
import { errnoOf } from '../../errors.ts';

const PERMISSIONS = 0o7777;
const SET_IDS = 0o6000;
const GROUP = 0o070;

/**
 * Give a file the mode and, as far as this account may, the owner and group of another.
 *
 * Guarantees: nobody may read or write the file who could not read or write the other: where the group cannot be given,
 * the group's rights are those of everybody; rights of set-id programs are given with the owner and group only.
 */
export async function takeOverMode(path: string, from: string): Promise<void> {
  const [wanted, present] = await Promise.all([stat(from), stat(path)]);
  const owner = await give(path, wanted.uid, -1, present.uid === wanted.uid);
  const group = await give(path, -1, wanted.gid, present.gid === wanted.gid);
  let mode = wanted.mode & PERMISSIONS;
  if (!owner || !group) mode &= ~SET_IDS;
  if (!group) mode = (mode & ~GROUP) | (mode & GROUP & ((mode & 0o007) << 3));
  if ((present.mode & PERMISSIONS) !== mode) await chmod(path, mode);
}

/** False when this account may not. */
async function give(path: string, uid: number, gid: number, has: boolean): Promise<boolean> {
  if (has) return true;
  try {
    await chown(path, uid, gid);
    return true;
  } catch (error) {
    if (['EPERM', 'EINVAL', 'ENOTSUP', 'ENOSYS'].includes(errnoOf(error) ?? '')) return false;
    throw error;
  }
}
