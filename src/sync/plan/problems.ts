import type { LocalEntry, RemoteEntry } from '../tree/entry.ts';
import type { Problem } from './op.ts';

/** Two entries of one name in one folder of Box. */
export function duplicate(remote: RemoteEntry, path: readonly string[]): Problem {
  const message =
    'Box holds two entries of this name in one folder; the older one is mirrored. Rename one of them in Box.';
  return { side: 'remote', id: remote.id, path: path.join('/'), reason: 'duplicate-name', message };
}

/** Two names on the disk that are one for Box. */
export function caseTwin(local: LocalEntry, path: readonly string[], first: LocalEntry): Problem {
  const message = `Box keeps names apart without regard to case, and ${first.name} stands here already. Rename one of them.`;
  return { side: 'local', id: local.id, path: path.join('/'), reason: 'names-differ-in-case', message };
}

/** A name that the other side does not take. */
export function nameRefused(
  side: 'remote' | 'local',
  entry: RemoteEntry | LocalEntry,
  path: readonly string[],
  reason: string,
): Problem {
  const who = side === 'remote' ? 'The disk' : 'Box';
  const message = `${who} does not take this name (${reason}). Rename it.`;
  return { side, id: entry.id, path: path.join('/'), reason: `name-${reason}`, message };
}

/** A new file of a format that is never empty: whoever makes it is not done. */
export function emptyFile(local: LocalEntry, path: readonly string[]): Problem {
  const message =
    'The file is empty, and no file of this kind ever is: it is sent once there is something in it.';
  return { side: 'local', id: local.id, path: path.join('/'), reason: 'empty', message };
}
