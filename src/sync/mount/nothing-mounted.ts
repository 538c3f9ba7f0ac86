import { StateError } from '../../errors.ts';
import { shellWord } from '../../shell-word.ts';
import type { LockOwner } from './lock-owner.ts';
import { ownerText, removalHint } from './lock-texts.ts';

/** No mount runs: at a directory, or of this user at all. */
export function nothingMounted(
  directory?: string,
  hint = 'Start a mount with: mila-sync mount CONFIG',
): StateError {
  return new StateError({
    code: 'nothing-mounted',
    message: directory === undefined ? 'no mount of yours is running' : `nothing is mounted at ${directory}`,
    hint,
    data: { directory },
  });
}

/** A mount holds its lock and cannot be asked. `isNear`: it runs where this process does. */
export function mountSilent(
  { directory, lock, owner, isNear }: { directory: string; lock: string; owner: LockOwner; isNear: boolean },
  cause: unknown,
): StateError {
  const who = ownerText(owner);
  return new StateError({
    code: isNear ? 'mount-silent' : 'mounted-elsewhere',
    message: isNear
      ? `${directory} is mounted by ${who}, which does not answer`
      : `${directory} is mounted by ${who}, in another container or on another machine, and answers only there`,
    hint: `${
      isNear
        ? `It may be starting or stopping. To stop it in order: kill ${owner.pid}`
        : `Ask it where it runs: mila-sync status ${shellWord(directory)}`
    }\n  The lock is ${lock}. ${removalHint(lock)}`,
    data: { directory, lock, owner },
    cause,
  });
}
