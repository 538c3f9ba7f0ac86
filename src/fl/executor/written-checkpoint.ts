import { lstat, readdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { CorruptError, errnoOf, RoundError } from '../../errors.ts';
import { Checkpoint } from '../torch/checkpoint-reader.ts';

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

interface Looked {
  /** The output path. */
  readonly where: string;
  /** The pattern that the checkpoint's name must fit. */
  readonly checkpointName: string;
}

/**
 * The checkpoint that was written between two listings; of several the newest, as in kMoL.
 *
 * Errors: RoundError 'training-failed' when none was, or when the newest has no model: an old one is never taken for
 * this round's. The message tells what lies there instead.
 */
export async function writtenCheckpoint(
  before: CheckpointListing,
  after: CheckpointListing,
  looked: Looked,
): Promise<string> {
  const written = [...after.values()]
    .filter(({ path, fingerprint }) => before.get(path)?.fingerprint !== fingerprint)
    .sort((left, right) => Number(right.modifiedNs - left.modifiedNs) || (left.path < right.path ? 1 : -1));
  const newest = written[0];
  if (newest === undefined) throw await nothingWritten(before.size, looked);
  const problem = await modelProblem(newest.path);
  if (problem !== undefined) {
    const others = written.slice(1).map(({ path }) => relative(looked.where, path));
    throw new RoundError({
      code: 'training-failed',
      message: `${newest.path}, the newest file that training wrote, is no update: ${problem}. Save it with torch.save({"model": model.state_dict()}, path)${
        others.length === 0
          ? ''
          : `; also written: ${listed(others)}; executor_options.checkpoint_name says which is taken`
      }`,
      data: { path: newest.path, others },
    });
  }
  return newest.path;
}

/** Why a readable checkpoint is no update. What cannot be read is judged by who takes it. */
async function modelProblem(path: string): Promise<string | undefined> {
  try {
    const checkpoint = await Checkpoint.open(path, { checksum: 'ignore' });
    try {
      checkpoint.model();
    } finally {
      checkpoint.close();
    }
  } catch (error) {
    if (error instanceof CorruptError && error.code === 'no-model') return error.message;
  }
  return undefined;
}

async function nothingWritten(older: number, { where, checkpointName }: Looked): Promise<RoundError> {
  const all = [...(await listCheckpoints(where, '*')).keys()].map((path) => relative(where, path));
  const others = all.filter((path) => !/(^|\/)training\.round_\d+\.log$/.test(path));
  const kept = older === 0 ? '' : `; ${older} older ${older === 1 ? 'one is' : 'ones are'} of earlier rounds`;
  const found = others.length === 0 ? 'nothing else lies there' : `there are ${listed(others)}`;
  return new RoundError({
    code: 'training-failed',
    message: `training ended without an error, but wrote no checkpoint "${checkpointName}" below ${where}${kept}; ${found}. Does the program use "output_path" of the task, and does executor_options.checkpoint_name fit its files?`,
    data: { where, older, others },
  });
}

/** Most names that a message tells. */
const LISTED_MAX = 8;

function listed(paths: readonly string[]): string {
  const more = paths.length > LISTED_MAX ? `, and ${paths.length - LISTED_MAX} more` : '';
  return `${paths.slice(0, LISTED_MAX).join(', ')}${more}`;
}
