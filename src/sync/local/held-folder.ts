import { constants, existsSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';

const DESCRIPTORS = '/proc/self/fd';
const FOLDER = constants.O_RDONLY | constants.O_DIRECTORY;

/** Whether an open folder has a path of its own here: Node has none of the calls that take a folder beside a name. */
export const canHoldFolders = (): boolean => process.platform === 'linux' && existsSync(DESCRIPTORS);

const pathOf = ({ fd }: FileHandle) => `${DESCRIPTORS}/${fd}`;

/**
 * Open a folder step by step, following no link below `root`, and use it by its open handle.
 *
 * Guarantees: what `use` does at the path that it gets happens in the folder that was opened, also when something else has
 * taken its name since. Errors: ELOOP, ENOTDIR, ENOENT for what is no plain folder on the way; what `use` throws.
 */
export async function inFolder<Result>(
  root: string,
  names: readonly string[],
  use: (held: string) => Promise<Result>,
): Promise<Result> {
  let handle = await open(root, FOLDER);
  try {
    for (const name of names) {
      const next = await open(`${pathOf(handle)}/${name}`, FOLDER | constants.O_NOFOLLOW);
      const former = handle;
      handle = next;
      await former.close();
    }
    return await use(pathOf(handle));
  } finally {
    await handle.close();
  }
}
