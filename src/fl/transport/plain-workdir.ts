import { constants, existsSync, realpathSync } from 'node:fs';
import { lstat, mkdir, open, readdir, rm } from 'node:fs/promises';
import { dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { TEMPORARY_SUFFIX, writeAtomically } from '../../atomic-file.ts';
import type { Clock, Timer } from '../../clock.ts';
import {
  CorruptError,
  errnoOf,
  InvariantError,
  messageOf,
  StateError,
  TransientError,
} from '../../errors.ts';
import type { Logger } from '../../logger.ts';
import { FolderWatch } from './folder-watch.ts';
import type { Watch, Workdir, WorkdirEntry } from './workdir.ts';

/** The engine's own folder, which is no part of what is shared. */
const ENGINE_FOLDER = '.mila-sync';
/** The most entries that one folder's listing takes in. */
const ENTRIES_MAX = 100_000;
/** How often a folder is looked at although nothing hinted at a change: network drives send no hints. */
const SAFETY_POLL_MS = 2_000;

export interface PlainWorkdirOptions {
  /** The folder that `save_path` names. */
  readonly root: string;
  /**
   * False where somebody else makes the folder: a missing one is then no empty one, and is never made by accident.
   * Default: true.
   */
  readonly makesRoot?: boolean;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Between two looks that nothing hinted at. Units: milliseconds. */
  readonly safetyPollMs?: number;
}

/** Names that are never anybody's file: half-written ones, and the engine's own folder. */
function isIgnored(name: string): boolean {
  return name === ENGINE_FOLDER || name.endsWith(TEMPORARY_SUFFIX);
}

async function entryOf(folder: string, name: string): Promise<WorkdirEntry | undefined> {
  try {
    const facts = await lstat(join(folder, name), { bigint: true });
    // Links could lead out of the folder; a run has none.
    if (!facts.isFile() && !facts.isDirectory()) return undefined;
    return {
      name,
      kind: facts.isDirectory() ? 'folder' : 'file',
      sizeBytes: Number(facts.size),
      modifiedAtMs: Number(facts.mtimeMs),
      version: `${facts.ino}-${facts.mtimeNs}-${facts.size}`,
      present: true,
      createdBy: null,
      modifiedBy: null,
    };
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** A link is not followed, and a pipe that nobody writes to does not hold the reader up. */
const READ_FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);
/** What the system says of a path where no file can be read; ELOOP of a link, ENXIO of a socket. */
const NO_FILE: ReadonlySet<string> = new Set(['ENOENT', 'ENOTDIR', 'EISDIR', 'ELOOP', 'EMLINK', 'ENXIO']);

/**
 * Whether plain folders lead from the root to one below it; a missing one is none. Asked at once, not in turn with other
 * work: a look must not become older than what is done meanwhile.
 */
function isPlainFolder(root: string, folder: string): boolean {
  try {
    return realpathSync.native(folder) === join(realpathSync.native(root), relative(root, folder));
  } catch (error) {
    if (NO_FILE.has(errnoOf(error) ?? '')) return false;
    throw error;
  }
}

async function readBounded(path: string, shown: string, maxBytes: number): Promise<Buffer | undefined> {
  try {
    const handle = await open(path, READ_FLAGS);
    try {
      const facts = await handle.stat();
      if (!facts.isFile()) return undefined;
      const { size } = facts;
      if (size > maxBytes)
        throw new CorruptError({
          code: 'too-large',
          message: `${shown} has ${size} bytes; at most ${maxBytes} make sense there`,
          data: { path: shown, sizeBytes: size, maxBytes },
        });
      const buffer = Buffer.alloc(size);
      const { bytesRead } = await handle.read(buffer, 0, size, 0);
      return buffer.subarray(0, bytesRead);
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (NO_FILE.has(errnoOf(error) ?? '')) return undefined;
    throw error;
  }
}

function linked(path: string): StateError {
  return new StateError({
    code: 'not-a-plain-folder',
    message: `${path} is a link or a file, and nothing is written through it`,
    hint: 'A run has no links: remove it, and start again.',
    data: { path },
  });
}

/** Hints from the file system where it gives them, and a slow poll where it does not. */
async function startWatch(options: PlainWorkdirOptions, onHint: () => void): Promise<Watch> {
  const { root, clock, logger, safetyPollMs = SAFETY_POLL_MS } = options;
  const folders = new FolderWatch(root, onHint, logger);
  await folders.start();
  let timer: Timer;
  let isClosed = false;
  const poll = () => {
    timer = clock.after(safetyPollMs, () => {
      if (isClosed) return;
      onHint();
      // A folder that could not be watched, because it was not there, may be by now.
      folders.start().catch((error: unknown) => {
        logger.debug({ root, error: messageOf(error) }, 'the folder cannot be watched; polling goes on');
      });
      poll();
    });
  };
  poll();
  return {
    async close() {
      isClosed = true;
      timer.cancel();
      folders.close();
    },
  };
}

/**
 * A shared folder as the operating system shows it: local, network drive, or synchronised by some other program.
 *
 * Guarantees: as the port; no link below the root is followed, and no pipe is waited for; nobody's identity is known; names that end in the temporary suffix are nobody's files.
 * Errors: StateError 'not-a-folder' when `root` is a file; 'not-a-plain-folder' when a link stands where a write would go.
 */
export async function openPlainWorkdir(options: PlainWorkdirOptions): Promise<Workdir> {
  const root = resolve(options.root);
  const { makesRoot = true } = options;
  if (makesRoot)
    await mkdir(root, { recursive: true }).catch((cause) => {
      throw new StateError({ code: 'not-a-folder', message: `${root} cannot be used as a folder`, cause });
    });
  const assertRoot = async (): Promise<void> => {
    // Made here, an empty folder would tell the mount that everything in it was deleted.
    if (!makesRoot && !existsSync(root))
      throw new TransientError({ code: 'root-missing', message: `${root} is not there` });
  };
  const absolute = (path: string): string => {
    const full = join(root, path);
    const inside = relative(root, full);
    if (inside.startsWith('..') || isAbsolute(inside))
      throw new InvariantError({ code: 'outside-workdir', message: `path ${path} leads out of the folder` });
    return full;
  };
  const makePlainFolder = async (folder: string): Promise<void> => {
    if (isPlainFolder(root, folder)) return;
    // From the root down, so that nothing is made behind a link.
    const names = relative(root, folder).split(sep);
    for (let depth = 0; depth <= names.length; depth += 1) {
      const each = join(root, ...names.slice(0, depth));
      await mkdir(each, { recursive: depth === 0 }).catch((error: unknown) => {
        if (errnoOf(error) !== 'EEXIST') throw error;
      });
      if (!isPlainFolder(root, each)) throw linked(each);
    }
  };
  const writeStream: Workdir['writeStream'] = async (path, fill) => {
    const full = absolute(path);
    await assertRoot();
    await makePlainFolder(dirname(full));
    await writeAtomically(full, fill);
  };
  return {
    description: root,
    identifies: false,
    connected: () => true,
    async list(path) {
      const folder = absolute(path);
      if (!isPlainFolder(root, folder)) return [];
      const names = await readdir(folder).catch((error) => {
        if (['ENOENT', 'ENOTDIR'].includes(errnoOf(error) ?? '')) return [];
        throw error;
      });
      const kept = names.filter((name) => !isIgnored(name)).slice(0, ENTRIES_MAX);
      const entries = await Promise.all(kept.map((name) => entryOf(folder, name)));
      return entries
        .filter((entry) => entry !== undefined)
        .sort((left, right) => (left.name < right.name ? -1 : 1));
    },
    async read(path, maxBytes) {
      const full = absolute(path);
      return isPlainFolder(root, dirname(full)) ? readBounded(full, path, maxBytes) : undefined;
    },
    absolutePath: absolute,
    write: (path, content) => writeStream(path, (handle) => handle.writeFile(content)),
    writeStream,
    async remove(path) {
      const full = absolute(path);
      if (isPlainFolder(root, dirname(full))) await rm(full, { force: true });
    },
    async makeFolder(path) {
      await assertRoot();
      await makePlainFolder(absolute(path));
    },
    watch: (onHint) => startWatch({ ...options, root }, onHint),
  };
}
