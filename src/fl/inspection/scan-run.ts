import { constants, type Dirent, type Stats } from 'node:fs';
import { lstat, open, opendir } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { errnoOf, reasonOf, StateError } from '../../errors.ts';
import { CONTROL_FILE_MAX_BYTES } from '../round/protocol-texts.ts';
import { isRunFolderName, newestRun } from '../round/run-folder.ts';
import { SIDE_FILE_MAX_BYTES } from '../transport/side-file.ts';
import type { ObservedEntry, ObservedKind, ObservedRun } from './observed-run.ts';
import { isRunFolder, type Role, roleOf } from './roles.ts';

/** Most entries of a run folder that are looked at, over all its folders. */
const ENTRIES_MAX = 200_000;
/** Most text that is kept of one folder. Units: bytes. */
const TEXT_TOTAL_MAX_BYTES = 64 * 1024 * 1024;
/** Most runs that an error names. */
const RUNS_SHOWN_MAX = 10;
/** What belongs to nobody's run. */
const STRANGE: ReadonlySet<Role['kind']> = new Set(['unexpected', 'system', 'half-written']);
/** Files looked at together. */
const LANES = 64;
/** What an answer, a heartbeat or a word of loss may take. Units: bytes. */
const SHORT_TEXT_MAX_BYTES = 4096;

/** The longest content that is read, by what a file is for; others are not read. Units: bytes. */
const TEXT_MAX_BYTES: Partial<Record<Role['kind'], number>> = {
  task: SIDE_FILE_MAX_BYTES,
  ended: CONTROL_FILE_MAX_BYTES,
  status: SIDE_FILE_MAX_BYTES,
  settings: SIDE_FILE_MAX_BYTES,
  authentication: SHORT_TEXT_MAX_BYTES,
  heartbeat: SHORT_TEXT_MAX_BYTES,
  lost: SHORT_TEXT_MAX_BYTES,
  meta: SIDE_FILE_MAX_BYTES,
  refused: SIDE_FILE_MAX_BYTES,
  failed: SIDE_FILE_MAX_BYTES,
  'server-meta': SIDE_FILE_MAX_BYTES,
};

interface Place {
  readonly path: string;
  readonly kind: ObservedKind;
}

function kindOf(found: Dirent | Stats): ObservedKind {
  if (found.isFile()) return 'file';
  if (found.isDirectory()) return 'folder';
  return found.isSymbolicLink() ? 'link' : 'special';
}

/** The entries of one folder; at most `room` of them. A folder that went away meanwhile is empty. */
async function placesIn(root: string, path: string, room: number): Promise<readonly Place[]> {
  const places: Place[] = [];
  try {
    for await (const found of await opendir(join(root, path), { bufferSize: 1024 })) {
      if (places.length >= room) break;
      places.push({ path: path === '' ? found.name : `${path}/${found.name}`, kind: kindOf(found) });
    }
  } catch (error) {
    if (path === '' || !['ENOENT', 'ENOTDIR', 'EACCES', 'EPERM'].includes(errnoOf(error) ?? '')) throw error;
  }
  return places;
}

/** Every entry of the folders that belong to a run. */
async function allPlaces(root: string): Promise<{ places: readonly Place[]; truncated: boolean }> {
  const places: Place[] = [];
  const folders = [''];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    const found = await placesIn(root, folder, ENTRIES_MAX + 1 - places.length);
    places.push(...found);
    if (places.length > ENTRIES_MAX) return { places: places.slice(0, ENTRIES_MAX), truncated: true };
    for (const { kind, path } of found) if (kind === 'folder' && isRunFolder(path)) folders.push(path);
  }
  return { places, truncated: false };
}

/** Reads texts until there are too many of them. */
class TextReader {
  readonly #root: string;
  #left = TEXT_TOTAL_MAX_BYTES;

  constructor(root: string) {
    this.#root = root;
  }

  /** The text, or why there is none. */
  async read(path: string, sizeBytes: number): Promise<{ text: string | null; unread: string | null }> {
    const max = TEXT_MAX_BYTES[roleOf(path).kind];
    if (max === undefined) return { text: null, unread: null };
    if (sizeBytes > max) return { text: null, unread: `${sizeBytes} bytes, where at most ${max} make sense` };
    if (sizeBytes > this.#left)
      return { text: null, unread: 'the folder holds too much text to read it all' };
    this.#left -= sizeBytes;
    try {
      return { text: await this.#bounded(join(this.#root, path), max), unread: null };
    } catch (error) {
      return { text: null, unread: `it cannot be read (${errnoOf(error) ?? String(error)})` };
    }
  }

  /** Neither a link nor a pipe that took the file's place meanwhile is followed or waited for. */
  async #bounded(path: string, max: number): Promise<string> {
    const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const { size } = await handle.stat();
      const buffer = Buffer.alloc(Math.min(size, max));
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, 0);
      return buffer.toString('utf8', 0, bytesRead);
    } finally {
      await handle.close();
    }
  }
}

async function observe(root: string, place: Place, reader: TextReader): Promise<ObservedEntry | undefined> {
  const { path } = place;
  try {
    const facts = await lstat(join(root, path));
    const kind = kindOf(facts);
    const content = kind === 'file' ? await reader.read(path, facts.size) : { text: null, unread: null };
    return { path, kind, sizeBytes: facts.size, modifiedAtMs: facts.mtimeMs, ...content };
  } catch (error) {
    // It went away between the listing and the look, as files of a live run do.
    if (errnoOf(error) === 'ENOENT') return undefined;
    return {
      ...place,
      sizeBytes: 0,
      modifiedAtMs: 0,
      text: null,
      unread: `it cannot be looked at (${errnoOf(error) ?? String(error)})`,
    };
  }
}

/** What a folder that holds runs is told for: the newest is most likely meant. */
function parentOfRuns(folder: string, runs: readonly string[]): StateError {
  const newest = newestRun(runs) ?? '';
  return new StateError({
    code: 'no-run',
    message: `${folder} is no run folder, but holds ${runs.length} of them: ${runs.slice(-RUNS_SHOWN_MAX).join(', ')}`,
    hint: `Name one of them, such as ${join(folder, newest)}`,
    data: { folder, runs },
  });
}

/** Nothing in it belongs to a run: no rounds, no heartbeats, no task. */
function refuseStrangeFolder(folder: string, places: readonly Place[]): void {
  const top = places.filter(({ path }) => !path.includes('/'));
  if (top.some(({ path }) => isRunFolder(path) || !STRANGE.has(roleOf(path).kind))) return;
  const runs = top.filter(({ kind, path }) => kind === 'folder' && isRunFolderName(path));
  if (runs.length > 0) throw parentOfRuns(folder, runs.map(({ path }) => path).sort());
  throw noRun(folder, 'nothing in it belongs to a run');
}

function noRun(folder: string, message: string, cause?: unknown): StateError {
  return new StateError({
    code: 'no-run',
    message: `${folder} is no run folder: ${message}`,
    hint: 'Name the folder that holds cfg.json and rounds/, such as DIR/<shared_dir_name>/<save_path>/<date_time>.',
    data: { folder },
    cause,
  });
}

/**
 * Look at a run folder on a disk, mounted or a plain copy.
 *
 * Guarantees: reads only; links and special files are named and never opened; only control and side files are read,
 * each up to its own limit; the time taken grows with the number of entries and never with their sizes.
 * Errors: StateError 'no-run' when the folder does not exist, is empty, is no folder, or holds
 * nothing of a run; one that holds runs is told with their names.
 */
export async function scanRun(folder: string): Promise<ObservedRun> {
  const root = resolve(folder);
  const { places, truncated } = await allPlaces(root).catch((error: unknown) => {
    throw noRun(folder, `it cannot be listed: ${reasonOf(error)}`, error);
  });
  if (places.length === 0) throw noRun(folder, 'it is empty');
  refuseStrangeFolder(folder, places);
  const reader = new TextReader(root);
  const entries: ObservedEntry[] = [];
  for (let first = 0; first < places.length; first += LANES) {
    const lane = places.slice(first, first + LANES).map((place) => observe(root, place, reader));
    entries.push(...(await Promise.all(lane)).filter((entry) => entry !== undefined));
  }
  entries.sort((left, right) => (left.path < right.path ? -1 : 1));
  return { name: basename(root), folder: root, entries, truncated };
}
