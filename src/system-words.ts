/** What the operating system refused, as a person reads it. */
export interface SystemWords {
  /** Why, without the path: goes on a sentence such as "cfg.json cannot be read: ". */
  readonly reason: string;
  /** What the person can do about it. */
  readonly hint: string;
  /** What it is about, where the system told. */
  readonly path: string | undefined;
}

const OTHER_PATH = 'Check the path, and name another one if it is wrong.';
const OTHER_PLACE = 'Choose another place: --dir, save_path or the path that was given.';
const MAKE_ROOM = 'Make room there, or choose a place with more of it; then start again.';
const PERMISSION =
  'Have its owner let this user in (chown or chmod), or choose another place: --dir, save_path or the path that was given.';
const DISK = 'Look after the disk or the network drive, then start again.';

/** By the system's own code: why, and what helps. Source: errno(3). */
const WORDS: Readonly<Record<string, readonly [reason: string, hint: string]>> = {
  ENOENT: ['no such file or directory exists', OTHER_PATH],
  EISDIR: ['it is a directory', 'Name a file.'],
  ENOTDIR: ['part of its path is a file and no directory', OTHER_PLACE],
  EEXIST: ['something stands there already', 'Choose another name, or move it away.'],
  ENOTEMPTY: ['the directory is not empty', 'Choose another name, or move it away.'],
  EACCES: ['this user has no permission there', PERMISSION],
  EPERM: ['the system does not permit that there', PERMISSION],
  EROFS: ['the file system is read-only', OTHER_PLACE],
  ENOSPC: ['the disk is full', MAKE_ROOM],
  EDQUOT: ['the disk quota of this user is used up', MAKE_ROOM],
  EFBIG: ['the file would be larger than the file system takes', OTHER_PLACE],
  ELOOP: ['links lead in a circle or may not be followed', OTHER_PATH],
  ENAMETOOLONG: ['the name is longer than the file system takes', 'Choose a shorter name.'],
  EMFILE: ['this program has too many files open', 'Raise the limit (ulimit -n), then start again.'],
  ENFILE: ['this machine has too many files open', 'Close other programs, then start again.'],
  ENOMEM: ['this machine has no memory left', 'Close other programs, then start again.'],
  EIO: ['the disk does not answer as it should', DISK],
  ESTALE: ['the network drive has lost it', DISK],
  ENODEV: ['the disk or device is not there', DISK],
  ENXIO: ['the disk or device is not there', DISK],
  ENOTCONN: ['the network drive is not connected', DISK],
  EHOSTDOWN: ['the network drive does not answer', DISK],
  EBUSY: ['another program is using it', 'Close what uses it, then try again.'],
  ETXTBSY: ['it is a program that runs', 'Stop that program, then try again.'],
  EXDEV: ['it lies on another disk', OTHER_PLACE],
  EADDRINUSE: ['another program holds the port', 'Choose another port.'],
  EADDRNOTAVAIL: ['this machine has no such address', 'Name an address of this machine.'],
};

function fieldOf(error: object, name: string): string | undefined {
  const value = (error as Readonly<Record<string, unknown>>)[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/**
 * Put what the operating system refused into words; undefined for anything else.
 *
 * Guarantees: no name of a system call and no code of the system is in them.
 */
export function systemWords(error: unknown): SystemWords | undefined {
  // A library that throws its own errors with such a code has words of its own; the system's name the code.
  if (!(error instanceof Error)) return undefined;
  const code = fieldOf(error, 'code') ?? '';
  const found = Object.hasOwn(WORDS, code) ? WORDS[code] : undefined;
  if (found === undefined || !error.message.includes(code)) return undefined;
  return { reason: found[0], hint: found[1], path: fieldOf(error, 'dest') ?? fieldOf(error, 'path') };
}
