import { join } from 'node:path';
import type { Clock } from '../clock.ts';
import { StateError } from '../errors.ts';
import type { ParticipantConfiguration } from '../fl/config.ts';
import { participantOf } from '../fl/config.ts';
import { participantKey } from '../fl/round/run-folder.ts';
import type { Lock } from '../sync/mount/lock.ts';
import { acquireLock } from '../sync/mount/lock.ts';
import { ownerText, removalHint } from '../sync/mount/lock-texts.ts';

/** Which shared folder, or which server's address, a configuration means. */
export function sessionOf({ box, grpc, transport }: ParticipantConfiguration): string {
  if (transport === 'grpc') return `grpc://${grpc?.target ?? ''}`;
  return box === null ? '' : `${box.shared_dir_name}/${box.save_path}`;
}

interface RunLockOptions {
  readonly clock?: Clock;
  /** Hears that it is waited whether another machine's process still lives. */
  readonly tell?: (text: string) => void;
  /** Called when another process took the lock over while this one slept: both would write the same state. */
  readonly onLost?: () => void;
}

/**
 * Make sure that one participant runs once: its state and its results belong to one process.
 *
 * Guarantees: as `acquireLock`; a lock file that somebody removed is no reason to stop.
 * Errors: StateError 'already-running' naming the other process; others as `acquireLock`.
 */
export async function acquireRunLock(
  configuration: ParticipantConfiguration,
  { clock, tell, onLost }: RunLockOptions = {},
): Promise<Lock> {
  const participant = participantOf(configuration);
  const session = sessionOf(configuration).replace(/[^\p{L}\p{N}_-]+/gu, '_');
  const path = join(configuration.savePath, `${participantKey(participant)}.${session}.lock`);
  try {
    return await acquireLock(path, {
      ...(clock === undefined ? {} : { clock }),
      ...(onLost === undefined ? {} : { onLost }),
      subject: `${participant} with ${configuration.path}`,
      endsWhenRemoved: false,
      onWaiting: (owner) =>
        tell?.(
          `waiting whether ${participant}, run by ${ownerText(owner)}, still lives, up to half a minute (${path}). ${removalHint(path)}`,
        ),
    });
  } catch (error) {
    if (!(error instanceof StateError) || error.code !== 'already-mounted') throw error;
    throw new StateError({
      code: 'already-running',
      message: `${participant} runs already with ${configuration.path}`,
      hint: `Stop it first; ${path} tells which process it is. ${removalHint(path)}`,
      data: error.data,
      cause: error,
    });
  }
}
