import { join } from 'node:path';
import { isSystemError } from '../../errors.ts';
import type { FileSystem, Guard, OpenFile } from './file-system.ts';
import type { StatFacts } from './stat-facts.ts';

const PROBE = 'birth-probe';

/**
 * Whether a file's time of birth is its own.
 *
 * Where the system refuses to tell it (an old kernel, a container's seccomp profile), Node gives the time of the last
 * change instead, which each rename sets anew: no entry would be recognised after one.
 * Errors: none: where it cannot be tried, births are believed.
 */
export async function tellsBirth(files: FileSystem, folder: string): Promise<boolean> {
  const [path, moved] = [join(folder, PROBE), join(folder, `${PROBE}-moved`)];
  try {
    await (await files.open(path, 'write')).close();
    const before = await files.facts(path);
    // Another write of the times, which is no birth.
    await files.setModified(path, 1);
    await files.rename(path, moved);
    const after = await files.facts(moved);
    return before === undefined || before.inode === after?.inode;
  } catch (error) {
    if (!isSystemError(error)) throw error;
    return true;
  } finally {
    for (const each of [path, moved]) await files.discard(each).catch(() => undefined);
  }
}

/** A disk whose entries are recognised without their time of birth. */
export function withoutBirth(files: FileSystem): FileSystem {
  const guarded = (guards: readonly Guard[] = []) =>
    guards.map(({ path, holds }) => ({
      path,
      holds: (facts: StatFacts | undefined) => holds(facts === undefined ? undefined : birthless(facts)),
    }));
  const opened = (file: OpenFile): OpenFile => ({
    facts: async () => birthless(await file.facts()),
    read: (buffer, position) => file.read(buffer, position),
    write: (bytes) => file.write(bytes),
    sync: () => file.sync(),
    syncData: () => file.syncData(),
    close: () => file.close(),
  });
  return {
    ...files,
    facts: async (path) => {
      const facts = await files.facts(path);
      return facts === undefined ? undefined : birthless(facts);
    },
    rename: (from, to, guards) => files.rename(from, to, guarded(guards)),
    removeFile: (path, guards) => files.removeFile(path, guarded(guards)),
    open: async (path, mode) => opened(await files.open(path, mode)),
  };
}

/** `device:inode:0`. */
function birthless(facts: StatFacts): StatFacts {
  return { ...facts, inode: facts.inode.replace(/:\d+$/, ':0') };
}
