import { join } from 'node:path';
import type { Clock, Timer } from '../clock.ts';
import { openPlainWorkdir } from '../fl/transport/plain-workdir.ts';
import type { Identity, Workdir, WorkdirEntry } from '../fl/transport/workdir.ts';
import { type RemoteId, remoteId } from '../ids.ts';
import type { Logger } from '../logger.ts';
import { ROOT } from '../sync/engine/replica.ts';
import { VersionIndex } from '../sync/index/version-index.ts';
import type { MountLayout } from '../sync/local/mirror-root.ts';
import { isUnchanged, statFacts } from '../sync/local/stat-facts.ts';
import { ENGINE_STATE, indexPath } from '../sync/mount/mount.ts';
import type { RemoteFile, RemoteUser } from '../sync/tree/entry.ts';

interface MountWorkdirOptions {
  readonly layout: MountLayout;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** A mount's folder, and the index that was opened to look at it. */
export interface OpenedMountWorkdir {
  readonly workdir: Workdir;
  close(): Promise<void>;
}

/** How often the index is asked whether the mount stored anything; costs no disk access while it did not. */
const INDEX_POLL_MS = 150;
/** States of the engine in which nothing is heard of the others. */
const DEAF: ReadonlySet<string> = new Set(['offline', 'access-lost', 'stopped', 'paused']);

const identity = (user: RemoteUser | null): Identity | null => user && { id: user.id, name: user.name };

/**
 * The shared folder of a running mount: files from the disk, versions and identities from the mount's index.
 *
 * Guarantees: the index is only read; a file whose present version is still on its way counts as not present; files
 * that the mount keeps online-only are listed with their versions.
 */
export async function openMountWorkdir(options: MountWorkdirOptions): Promise<OpenedMountWorkdir> {
  const { layout, clock } = options;
  const plain = await openPlainWorkdir({ ...options, root: join(layout.directory, ...layout.rootPath) });
  const index = VersionIndex.openReadonly(indexPath(layout));
  const workdir: Workdir = {
    ...plain,
    identifies: true,
    connected: () => !DEAF.has(index.meta(ENGINE_STATE) ?? 'stopped'),
    list: async (path) => merge(index, plain, path),
    watch: async (onHint) => {
      const hints = await plain.watch(onHint);
      const poll = pollIndex(clock, index, onHint);
      return {
        close: async () => {
          poll.cancel();
          await hints.close();
        },
      };
    },
  };
  return { workdir, close: async () => index.close() };
}

function pollIndex(clock: Clock, index: VersionIndex, onHint: () => void): Timer {
  let seen = index.dataVersion();
  const tick = () => {
    const version = index.dataVersion();
    if (version !== seen) onHint();
    seen = version;
    timer = clock.after(INDEX_POLL_MS, tick);
  };
  let timer = clock.after(INDEX_POLL_MS, tick);
  return { cancel: () => timer.cancel() };
}

async function merge(index: VersionIndex, plain: Workdir, path: string): Promise<readonly WorkdirEntry[]> {
  // The disk first: whatever the mount put there, its index knew before. The other way round, a file that arrives
  // between the two looks would pass for one of this side's own.
  const onDisk = await plain.list(path);
  const files = remoteFilesAt(index, path);
  const merged: WorkdirEntry[] = [];
  for (const entry of onDisk) {
    const remote = entry.kind === 'file' ? files.get(entry.name) : undefined;
    files.delete(entry.name);
    merged.push(
      remote === undefined
        ? entry
        : await describe(index, entry, remote, plain.absolutePath(join(path, entry.name))),
    );
  }
  for (const remote of files.values()) merged.push(absent(remote));
  return merged.sort((left, right) => (left.name < right.name ? -1 : 1));
}

/** Box's files of a folder, by name. */
function remoteFilesAt(index: VersionIndex, path: string): Map<string, RemoteFile> {
  let folder: RemoteId | undefined = remoteId(index.meta(ROOT) ?? '');
  for (const name of path.split('/').filter((part) => part !== '')) {
    if (folder === undefined) break;
    folder = index.remoteChildren(folder).find((child) => child.kind === 'folder' && child.name === name)?.id;
  }
  const children = folder === undefined ? [] : index.remoteChildren(folder);
  return new Map(children.flatMap((child) => (child.kind === 'file' ? [[child.name, child] as const] : [])));
}

/** An entry whose bytes are not here, or not those of its present version. */
function absent(remote: RemoteFile): WorkdirEntry {
  return {
    name: remote.name,
    kind: 'file',
    sizeBytes: remote.content.sizeBytes,
    modifiedAtMs: remote.receivedAtMs,
    version: `v${remote.versionId}`,
    present: false,
    createdBy: identity(remote.createdBy),
    modifiedBy: identity(remote.modifiedBy),
  };
}

async function describe(
  index: VersionIndex,
  entry: WorkdirEntry,
  remote: RemoteFile,
  path: string,
): Promise<WorkdirEntry> {
  const synced = index.synced(remote.id);
  if (synced?.content?.sha1 !== remote.content.sha1) return absent(remote);
  const local = synced.localId === null ? undefined : index.local(synced.localId);
  const facts = await statFacts(path);
  const settled =
    local?.kind === 'file' &&
    facts !== undefined &&
    isUnchanged(facts, local) &&
    local.content.sha1 === remote.content.sha1;
  if (settled) return { ...absent(remote), present: true };
  // This side wrote it and Box has not heard of it yet: the creator stands, the writer is not known to Box.
  return { ...entry, createdBy: identity(remote.createdBy), modifiedBy: null };
}
