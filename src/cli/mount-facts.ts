import { copyFile, mkdtemp, realpath, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join, relative, sep } from 'node:path';
import { errnoOf, reasonOf } from '../errors.ts';
import type { IndexFacts, StoredFile } from '../fl/inspection/observed-run.ts';
import { type RemoteId, remoteId } from '../ids.ts';
import { ROOT } from '../sync/engine/replica.ts';
import { VersionIndex } from '../sync/index/version-index.ts';
import { STATE_FOLDER } from '../sync/local/mirror-root.ts';
import { lockOwner } from '../sync/mount/lock-owner.ts';
import { indexPath, lockPath } from '../sync/mount/mount.ts';

/** What a mount around a folder adds; `problem` says why it adds nothing although there is one. */
export interface MountFacts {
  readonly facts: IndexFacts | null;
  readonly problem: string | null;
}

const HOUR_MS = 3_600_000;
/** Deeper than this below its mount directory no run stands. */
const DEPTH_MAX = 40;
/** The log of operations holds no more than this. */
const TRANSFERS_MAX = 100_000;
/** More files than this in one run are not asked about. */
const FILES_MAX = 200_000;

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/** The nearest directory above that is, or was, a mount's. */
async function mountAbove(folder: string): Promise<string | undefined> {
  let directory = dirname(folder);
  for (let depth = 0; depth < DEPTH_MAX; depth += 1) {
    if (await exists(join(directory, STATE_FOLDER, basename(indexPath({ directory, rootPath: [] })))))
      return directory;
    if (dirname(directory) === directory) return undefined;
    directory = dirname(directory);
  }
  return undefined;
}

/**
 * Work on an index without writing a byte beside it.
 *
 * SQLite makes files of its own beside a database that nobody has open. A living mount has them already; of a mount
 * that does not run, a copy is opened elsewhere.
 */
async function withIndex<Result>(directory: string, work: (index: VersionIndex) => Result): Promise<Result> {
  const layout = { directory, rootPath: [] };
  const path = indexPath(layout);
  if ((await lockOwner(lockPath(layout), { mayWrite: false })) !== undefined)
    return using(VersionIndex.openReadonly(path), work);
  const folder = await mkdtemp(join(tmpdir(), 'mila-inspect-'));
  try {
    const copy = join(folder, basename(path));
    await copyFile(path, copy);
    await copyFile(`${path}-wal`, `${copy}-wal`).catch((error: unknown) => {
      if (errnoOf(error) !== 'ENOENT') throw error;
    });
    return using(VersionIndex.openReadonly(copy), work);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function using<Result>(index: VersionIndex, work: (index: VersionIndex) => Result): Result {
  try {
    return work(index);
  } finally {
    index.close();
  }
}

/** The run's id in the index, and its path below the mirrored folder; undefined when it is not mirrored there. */
function runIn(index: VersionIndex, names: readonly string[]): { id: RemoteId; path: string } | undefined {
  const root = remoteId(index.meta(ROOT) ?? '');
  const rootName = index.remote(root)?.name;
  // How deep the mirrored folder stands is not in the index; its name is, and the names below it are.
  for (let depth = 1; depth < names.length; depth += 1) {
    if (names[depth - 1] !== rootName) continue;
    let id: RemoteId | undefined = root;
    for (const name of names.slice(depth)) {
      if (id === undefined) break;
      id = index.remoteChildren(id).find((child) => child.kind === 'folder' && child.name === name)?.id;
    }
    if (id !== undefined) return { id, path: names.slice(depth).join('/') };
  }
  return undefined;
}

function filesBelow(index: VersionIndex, run: RemoteId): Map<string, StoredFile> {
  const files = new Map<string, StoredFile>();
  const folders: { id: RemoteId; path: string }[] = [{ id: run, path: '' }];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    for (const child of index.remoteChildren(folder.id)) {
      const path = folder.path === '' ? child.name : `${folder.path}/${child.name}`;
      if (child.kind === 'folder') folders.push({ id: child.id, path });
      else if (files.size < FILES_MAX) {
        const { versionId, createdBy, modifiedBy, receivedAtMs, content } = child;
        files.set(path, { versionId, sizeBytes: content.sizeBytes, createdBy, modifiedBy, receivedAtMs });
      }
    }
  }
  return files;
}

function factsOf(index: VersionIndex, names: readonly string[]): IndexFacts | null {
  const run = runIn(index, names);
  if (run === undefined) return null;
  const files = filesBelow(index, run.id);
  const prefix = `${run.path}/`;
  const below = (path: string) => (path.startsWith(prefix) ? path.slice(prefix.length) : undefined);
  const transfers = index.loggedOps(TRANSFERS_MAX).flatMap((op) => {
    const path = below(op.path);
    return path === undefined || op.op === 'agree' ? [] : [{ ...op, path }];
  });
  const conflicts = index.conflicts().flatMap(({ path, reason, atMs }) => {
    const inRun = below(path);
    return inRun === undefined ? [] : [{ path: inRun, reason, atMs }];
  });
  const times = [...files.values()].map(({ receivedAtMs }) => receivedAtMs);
  const first = times.reduce((min, time) => Math.min(min, time), Number.MAX_SAFE_INTEGER);
  const last = times.reduce((max, time) => Math.max(max, time), 0);
  const calls = index
    .apiUsage(Math.floor(first / HOUR_MS))
    .filter(({ hour }) => hour <= Math.floor(last / HOUR_MS))
    .map(({ hour, endpoint, calls: count }) => ({ hourAtMs: hour * HOUR_MS, endpoint, calls: count }));
  return { files, transfers: transfers.reverse(), calls, conflicts };
}

/**
 * What the index of a mount around a run folder knows of it.
 *
 * Guarantees: nothing is written in or below the mount directory; a damaged index is a problem to tell, not an error.
 */
export async function mountFacts(folder: string): Promise<MountFacts> {
  const run = await realpath(folder).catch(() => folder);
  const directory = await mountAbove(run);
  if (directory === undefined) return { facts: null, problem: null };
  const names = relative(directory, run).split(sep);
  try {
    return { facts: await withIndex(directory, (index) => factsOf(index, names)), problem: null };
  } catch (error) {
    return {
      facts: null,
      problem: `the index of the mount ${directory} cannot be used: ${reasonOf(error)}`,
    };
  }
}
