import { dirname } from 'node:path';
import { errnoOf, FullError, type MilaError, StateError } from '../../errors.ts';
import { shellWord } from '../../shell-word.ts';
import type { LockOwner } from './lock-owner.ts';

/** The directory that a lock in its state folder is for. */
const directoryOf = (path: string) => dirname(dirname(path));

/** How a person removes a lock that nobody holds. */
export function removalHint(path: string): string {
  return `If you are sure that nothing runs there: rm ${shellWord(path)}`;
}

/** How a lock's owner is named. */
export function ownerText(owner: LockOwner | undefined): string {
  return owner === undefined ? 'another process' : `process ${owner.pid} on ${owner.host}`;
}

/** Somebody living holds the lock. `isNear`: it runs where this process does. */
export function alreadyMounted(path: string, owner: LockOwner | undefined, isNear: boolean): StateError {
  const directory = directoryOf(path);
  const stop = isNear
    ? `Stop it with \`mila-sync unmount ${shellWord(directory)}\`,`
    : `Stop it where it runs, in another container or on another machine,`;
  return new StateError({
    code: 'already-mounted',
    message: `${directory} is mounted already, by ${ownerText(owner)}`,
    hint: `${stop} or mount into another directory with --dir.\n  ${removalHint(path)}`,
    data: { path, owner },
  });
}

/** The lock now shows somebody else, who did not see this process renew it. */
export function lockTakenOver(path: string, owner: LockOwner, subject = directoryOf(path)): StateError {
  return new StateError({
    code: 'lock-lost',
    message: `${ownerText(owner)} took over the lock of ${subject}, which this process had not renewed in time: the machine slept, the process was stopped, or the disk was away`,
    hint: `That process works on ${subject} now. To have this one do it, stop that one first, then start again.\n  ${removalHint(path)}`,
    data: { path, owner },
  });
}

/** Somebody removed the lock file, or the folder that it stood in. */
export function lockRemoved(path: string): StateError {
  return new StateError({
    code: 'lock-lost',
    message: `the lock ${path} was removed, so nobody can tell any more that ${directoryOf(path)} is in use`,
    hint: 'Nothing was deleted in Box for that. Start again to go on; what is missing on the disk then comes from Box.',
    data: { path },
  });
}

/** The wait for another's lock ended because this process is to stop. */
export function waitAborted(path: string): StateError {
  return new StateError({ code: 'lock-wait-aborted', message: `stopped while waiting for the lock ${path}` });
}

/** The system does not let a lock be made; other errors as they are. */
export function lockRefused(path: string, error: unknown): unknown {
  const errno = errnoOf(error) ?? '';
  const directory = dirname(path);
  const about = { data: { path, errno }, cause: error };
  if (['ENOSPC', 'EDQUOT'].includes(errno))
    return new FullError({
      code: 'lock-disk-full',
      message: `the disk has no room for the lock ${path}`,
      hint: `Make room on the disk of ${directory}, then start again.`,
      ...about,
    }) satisfies MilaError;
  if (['ENOTDIR', 'EEXIST'].includes(errno))
    return new StateError({
      code: 'lock-refused',
      message: `${directory} cannot be a folder: a file stands in its place, or above it`,
      hint: 'Choose another directory.',
      ...about,
    });
  if (['EROFS', 'EACCES', 'EPERM', 'ENOTSUP', 'EOPNOTSUPP'].includes(errno))
    return new StateError({
      code: 'lock-refused',
      message: `the lock ${path} cannot be made (${errno})`,
      hint: `This user must be allowed to write in ${directory}, on a disk that is not read-only and knows hard links; or choose another directory.`,
      ...about,
    });
  return error;
}
