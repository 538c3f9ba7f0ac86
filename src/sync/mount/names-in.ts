import { readdir } from 'node:fs/promises';
import { errnoOf, StateError } from '../../errors.ts';

/**
 * The names in a folder; none where there is no folder.
 *
 * Guarantees: a folder that cannot be read never passes for an empty one. Errors: StateError 'folder-unreadable'.
 */
export async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(errnoOf(error) ?? '')) return [];
    throw new StateError({
      code: 'folder-unreadable',
      message: `${folder} cannot be looked into (${errnoOf(error) ?? 'unknown'}), so nobody knows whether it is empty`,
      hint: 'Let this user read it, or mount into another directory with --dir.',
      data: { path: folder },
      cause: error,
    });
  }
}
