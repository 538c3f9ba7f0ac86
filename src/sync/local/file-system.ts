import { constants, renameSync, rmdirSync, unlinkSync } from 'node:fs';
import { type FileHandle, link, mkdir, open, readdir, realpath, rm, statfs, utimes } from 'node:fs/promises';
import { syncDirectory } from '../../atomic-file.ts';
import { errnoOf } from '../../errors.ts';
import { takeOverMode } from './file-mode.ts';
import { canHoldFolders, inFolder } from './held-folder.ts';
import { canTellWriters, writersOf } from './open-files.ts';
import { factsOf, type StatFacts, statFacts, statFactsNow } from './stat-facts.ts';

/** An open file. */
export interface OpenFile {
  facts(): Promise<StatFacts>;
  /** Read into `buffer` from `position` on. Returns how many bytes came; 0 at the end. */
  read(buffer: Uint8Array, position: number): Promise<number>;
  /** Write all of the bytes at the end of what was written. */
  write(bytes: Uint8Array): Promise<void>;
  /** Make what was written survive a power cut. */
  sync(): Promise<void>;
  /** The same of the bytes alone, also of a file that is open for reading. */
  syncData(): Promise<void>;
  close(): Promise<void>;
}

/** What must stand at a path for an effect to happen. */
export interface Guard {
  readonly path: string;
  readonly holds: (facts: StatFacts | undefined) => boolean;
}

/**
 * The disk as the engine uses it: the operating system's in the programs, a simulated one in tests.
 *
 * Guarantees: those of POSIX: `rename` replaces in one step, `link` never replaces; nothing follows a symbolic link in
 * the last part of a path but `realPath`. Guards are looked at right before the effect, with nothing of this program
 * in between: what another program does in the microseconds between the two is all that can be missed. Errors: Node's system errors, with `code`.
 */
export interface FileSystem {
  /** What stands at a path; undefined when nothing does. */
  facts(path: string): Promise<StatFacts | undefined>;
  /** The names in a folder, in any order. */
  list(path: string): Promise<readonly string[]>;
  realPath(path: string): Promise<string>;
  makeFolder(path: string): Promise<void>;
  /** Make a folder and those above it; existing ones are taken as they are. */
  makeFolders(path: string): Promise<void>;
  link(from: string, to: string): Promise<void>;
  /** False, and no effect, when a guard does not hold. */
  rename(from: string, to: string, guards?: readonly Guard[]): Promise<boolean>;
  /** False, and no effect, when a guard does not hold. */
  removeFile(path: string, guards?: readonly Guard[]): Promise<boolean>;
  removeFolder(path: string): Promise<void>;
  /** Remove a file of the engine's own; a missing one is taken as removed. */
  discard(path: string): Promise<void>;
  setModified(path: string, modifiedAtMs: number): Promise<void>;
  /** Open for reading, for writing from the start, or for writing at the end; writing creates. */
  open(path: string, mode: 'read' | 'write' | 'append'): Promise<OpenFile>;
  /**
   * Hold the folder that plain folders lead to from `root`, and give a path that stays that very folder's, whatever takes
   * the place of its name meanwhile. Absent where the system has no such path. Errors: ELOOP, ENOTDIR or ENOENT when a
   * link or nothing stands on the way.
   */
  inFolder?<Result>(
    root: string,
    names: readonly string[],
    use: (held: string) => Promise<Result>,
  ): Promise<Result>;
  /** Make what happened to the names of a folder survive a power cut. */
  syncFolder(path: string): Promise<void>;
  /** Bytes that may still be written near this path. */
  roomBytes(path: string): Promise<number>;
  /** Which of these files somebody else holds open for writing, and who, in words; absent where nothing tells. */
  writersOf?(paths: readonly string[]): Promise<ReadonlyMap<string, string>>;
  /** Give a file the mode and, as far as this account may, the owner and group of another. */
  takeOverMode(path: string, from: string): Promise<void>;
}

const FLAGS = {
  // Whatever took the file's place since it was looked at must neither be followed nor hold the reader up.
  read: constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK,
  write: constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW,
  append: constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND | constants.O_NOFOLLOW,
} as const;

/** The operating system's disk. */
export const systemFiles: FileSystem = {
  facts: statFacts,
  list: (path) => readdir(path),
  realPath: (path) => realpath(path),
  makeFolder: (path) => mkdir(path),
  async makeFolders(path) {
    await mkdir(path, { recursive: true });
  },
  link,
  rename: async (from, to, guards = []) => effectIf(guards, () => renameSync(from, to)),
  removeFile: async (path, guards = []) => effectIf(guards, () => unlinkSync(path)),
  removeFolder: async (path) => rmdirSync(path),
  discard: (path) => rm(path, { force: true }),
  setModified: (path, modifiedAtMs) => utimes(path, modifiedAtMs / 1000, modifiedAtMs / 1000),
  open: async (path, mode) => new SystemFile(await open(path, FLAGS[mode])),
  ...(canHoldFolders() ? { inFolder } : {}),
  syncFolder: syncDirectory,
  async roomBytes(path) {
    const { bavail, bsize } = await statfs(path);
    return bavail * bsize;
  },
  ...(canTellWriters() ? { writersOf: async (paths: readonly string[]) => writersOf(paths) } : {}),
  takeOverMode,
};

/** Two system calls back to back: going through the thread pool would leave milliseconds between look and effect. */
function effectIf(guards: readonly Guard[], effect: () => void): boolean {
  if (!guards.every(({ path, holds }) => holds(statFactsNow(path)))) return false;
  effect();
  return true;
}

class SystemFile implements OpenFile {
  readonly #handle: FileHandle;

  constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  async facts(): Promise<StatFacts> {
    return factsOf(await this.#handle.stat({ bigint: true }));
  }

  async read(buffer: Uint8Array, position: number): Promise<number> {
    const { bytesRead } = await this.#handle.read(buffer, 0, buffer.byteLength, position);
    return bytesRead;
  }

  async write(bytes: Uint8Array): Promise<void> {
    for (let done = 0; done < bytes.byteLength; ) {
      const { bytesWritten } = await this.#handle.write(bytes, done);
      done += bytesWritten;
    }
  }

  sync(): Promise<void> {
    return this.#handle.sync();
  }

  async syncData(): Promise<void> {
    try {
      await this.#handle.datasync();
    } catch (error) {
      // Some file systems refuse this for a file that is open for reading; what they hold is read all the same.
      if (!['EINVAL', 'EROFS', 'EBADF', 'ENOTSUP', 'ENOSYS'].includes(errnoOf(error) ?? '')) throw error;
    }
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}
