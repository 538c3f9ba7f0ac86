import type { Clock } from '../../clock.ts';
import { messageOf, reasonOf, StateError } from '../../errors.ts';
import type { Logger } from '../../logger.ts';
import { acquireLock, type Lock } from './lock.ts';
import { ownerText, removalHint } from './lock-texts.ts';

interface MountLockOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Aborted: stop waiting for another's lock. */
  readonly signal: AbortSignal;
  /** Told what a person should know, by a key of its own; undefined: that is over. */
  readonly onNotice?: (key: string, text: string | undefined) => void;
}

/**
 * Take the lock of a mount, waiting for one that may be a dead process's.
 *
 * Guarantees: undefined when the signal ended the wait; `onLost` is called once when the lock turns out to be lost.
 * Errors: as `acquireLock`.
 */
export async function lockMount(
  path: string,
  { clock, logger, signal, onNotice }: MountLockOptions,
  onLost: () => void,
): Promise<Lock | undefined> {
  const key = 'lock';
  try {
    const lock = await acquireLock(path, {
      clock,
      signal,
      onWaiting: (owner) => {
        logger.info({ path, owner }, 'waiting whether the owner of the lock still lives');
        onNotice?.(
          key,
          `waiting whether the mount by ${ownerText(owner)} still lives, up to half a minute (${path}). ${removalHint(path)}`,
        );
      },
      onLost: (error) => {
        logger.error({ error: error.message }, 'the lock is lost');
        onLost();
      },
      onTrouble: (error) => {
        if (error === undefined) return onNotice?.(key, undefined);
        logger.warn({ path, error: messageOf(error) }, 'the lock cannot be renewed');
        onNotice?.(key, `the lock ${path} cannot be renewed (${reasonOf(error)}); trying again`);
      },
    });
    onNotice?.(key, undefined);
    return lock;
  } catch (error) {
    if (error instanceof StateError && error.code === 'lock-wait-aborted') return undefined;
    throw error;
  }
}

/** Errors: StateError 'lock-lost' when the lock was removed or taken over. */
export async function assertHeld(lock: Lock): Promise<void> {
  const loss = await lock.loss();
  if (loss !== undefined) throw loss;
}
