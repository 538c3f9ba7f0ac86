import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf, RoundError } from '../../errors.ts';

/** Folders below the output path that are looked into: programs like kMoL add a dated one. */
const DEPTH_MAX = 4;
/** Files that one output path may hold before the search is refused. */
const FILES_MAX = 100_000;

/** What tells two states of one path apart. */
interface FileState {
  readonly path: string;
  readonly modifiedNs: bigint;
  readonly fingerprint: string;
}

/** The checkpoints below a folder at one moment, by path. */
export type CheckpointListing = ReadonlyMap<string, FileState>;

function matcher(pattern: string): RegExp {
  const parts = pattern.split('*').map((part) => part.replaceAll(/[\\^$.|?+()[\]{}]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`, 's');
}

/** Every checkpoint below `folder` whose file name fits `pattern`; links are not followed. */
export async function listCheckpoints(folder: string, pattern: string): Promise<CheckpointListing> {
  const fits = matcher(pattern);
  const found = new Map<string, FileState>();
  const walk = async (directory: string, depth: number): Promise<void> => {
    const entries = await readdir(directory, { withFileTypes: true }).catch((error: unknown) => {
      if (errnoOf(error) === 'ENOENT') return [];
      throw error;
    });
    for (const entry of entries) {
      const path = join(directory, entry.name);
      if (entry.isDirectory() && depth < DEPTH_MAX) await walk(path, depth + 1);
      if (!entry.isFile() || !fits.test(entry.name)) continue;
      const { mtimeNs, size, ino, ctimeNs } = await lstat(path, { bigint: true });
      found.set(path, { path, modifiedNs: mtimeNs, fingerprint: `${mtimeNs} ${ctimeNs} ${size} ${ino}` });
      if (found.size > FILES_MAX)
        throw new RoundError({
          code: 'training-failed',
          message: `more than ${FILES_MAX} checkpoints lie below ${folder}: empty it, or give another output_path`,
        });
    }
  };
  await walk(folder, 1);
  return found;
}

/**
 * The checkpoint that was written between two listings; of several the newest, as in kMoL.
 *
 * Errors: RoundError 'training-failed' when none was: an old one is never taken for this round's.
 */
export function writtenCheckpoint(
  before: CheckpointListing,
  after: CheckpointListing,
  where: string,
): string {
  const written = [...after.values()]
    .filter(({ path, fingerprint }) => before.get(path)?.fingerprint !== fingerprint)
    .sort((left, right) => Number(right.modifiedNs - left.modifiedNs) || (left.path < right.path ? 1 : -1));
  const newest = written[0];
  if (newest === undefined)
    throw new RoundError({
      code: 'training-failed',
      message: `training ended without an error, but wrote no checkpoint below ${where}`,
      hint: 'Is "output_path" of the task configuration used by the program, and does "checkpoint_name" fit its files?',
      data: { where, older: before.size },
    });
  return newest.path;
}
