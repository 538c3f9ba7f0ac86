import { join } from 'node:path';
import { StateError } from '../errors.ts';
import type { ParticipantConfiguration } from '../fl/config.ts';
import { participantOf } from '../fl/config.ts';
import { participantKey } from '../fl/round/run-folder.ts';
import type { Lock } from '../sync/mount/lock.ts';
import { acquireLock } from '../sync/mount/lock.ts';

/** Which shared folder, or which server's address, a configuration means. */
export function sessionOf({ box, grpc, transport }: ParticipantConfiguration): string {
  if (transport === 'grpc') return `grpc://${grpc?.target ?? ''}`;
  return box === null ? '' : `${box.shared_dir_name}/${box.save_path}`;
}

/**
 * Make sure that one participant runs once on this machine: its state and its results belong to one process.
 *
 * Errors: StateError 'already-running' naming the other process.
 */
export async function acquireRunLock(configuration: ParticipantConfiguration): Promise<Lock> {
  const participant = participantOf(configuration);
  const session = sessionOf(configuration).replace(/[^\p{L}\p{N}_-]+/gu, '_');
  const path = join(configuration.savePath, `${participantKey(participant)}.${session}.lock`);
  try {
    return await acquireLock(path);
  } catch (error) {
    if (!(error instanceof StateError)) throw error;
    throw new StateError({
      code: 'already-running',
      message: `${participant} runs already with ${configuration.path}`,
      hint: `Stop it first; ${path} tells which process it is.`,
      data: error.data,
      cause: error,
    });
  }
}
