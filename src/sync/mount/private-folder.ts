import { chmod, lstat, mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf } from '../../errors.ts';

/** Bits that let anybody but the owner in. */
const OTHERS = 0o077;

/** Close what belongs to this user and is open to others; what belongs to somebody else stays as it is. */
async function closeToOthers(path: string, kind: 'file' | 'folder'): Promise<void> {
  try {
    const facts = await lstat(path);
    const isKind = kind === 'folder' ? facts.isDirectory() : facts.isFile();
    if (!isKind || facts.uid !== process.getuid?.()) return;
    if ((facts.mode & OTHERS) !== 0) await chmod(path, kind === 'folder' ? 0o700 : 0o600);
  } catch (error) {
    // Files of the index come and go; a disk without permissions has none to take away.
    if (!['ENOENT', 'EPERM', 'ENOTSUP', 'EROFS'].includes(errnoOf(error) ?? '')) throw error;
  }
}

/**
 * Make the engine's own folder, or find it, for this user alone.
 *
 * Guarantees: mode 0700 whatever the umask, also for one that stood there with another mode and is this user's; 0600 for
 * the files directly in it. Sockets and files inside cannot be reached by others before their own modes are set.
 */
export async function openPrivateFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 });
  await closeToOthers(path, 'folder');
  for (const name of await readdir(path)) await closeToOthers(join(path, name), 'file');
}
