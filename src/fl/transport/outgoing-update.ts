import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { CorruptError } from '../../errors.ts';
import { digestOf } from './publish.ts';
import type { CopyModel } from './start-model.ts';

/** What of a training's checkpoint goes to the others: its model, or the file as it is. */
export type UploadScope = 'model' | 'whole';

/** How the files are called that hold a round's model on its way. */
const FILE = /^update\.round_\d+\.pt$/;
const fileOf = (round: number): string => `update.round_${round}.pt`;

interface OutgoingOptions {
  /** The run's folder among the client's own results. */
  readonly results: string;
  readonly upload: UploadScope;
  readonly copyModel: CopyModel;
}

/** A file that goes to the others as it is. */
interface OutgoingUpdate {
  readonly checkpointPath: string;
  readonly sha256: string;
  readonly sizeBytes: number;
}

/**
 * Make the file that goes to the others of a training's checkpoint.
 *
 * Guarantees: with `model`, the file holds `{"model": ...}` with the values bit by bit, and nothing else of what the
 * training keeps, such as an optimizer's running means of gradients; the checkpoint itself stays where it is; files of
 * other rounds are removed. Errors: CorruptError 'update-malformed' for a checkpoint without a model; an abort's reason.
 */
export async function outgoingUpdate(
  { results, upload, copyModel }: OutgoingOptions,
  { round, checkpointPath }: { readonly round: number; readonly checkpointPath: string },
  signal: AbortSignal,
): Promise<OutgoingUpdate> {
  if (upload === 'whole') return { checkpointPath, ...(await digestOf(checkpointPath, signal)) };
  await mkdir(results, { recursive: true });
  const path = join(results, fileOf(round));
  for (const name of await readdir(results))
    if (FILE.test(name) && name !== fileOf(round)) await rm(join(results, name), { force: true });
  await copyModel(checkpointPath, path, { signal }).catch((error: unknown) => {
    if (!(error instanceof CorruptError)) throw error;
    throw new CorruptError({
      code: 'update-malformed',
      message: `${checkpointPath} has no model that can be sent: ${error.message}`,
      hint: 'Have the training save {"model": model.state_dict()}; "upload": "whole" sends whatever it is.',
      cause: error,
    });
  });
  return { checkpointPath: path, ...(await digestOf(path, signal)) };
}
