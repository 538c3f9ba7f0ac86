import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import { type Clock, delay, type Timer } from '../clock.ts';
import { openPlainWorkdir } from '../fl/transport/plain-workdir.ts';
import type { Identity, Workdir, WorkdirEntry } from '../fl/transport/workdir.ts';
import { type RemoteId, remoteId } from '../ids.ts';
import type { Logger } from '../logger.ts';
import { ROOT } from '../sync/engine/replica.ts';
import { VersionIndex } from '../sync/index/version-index.ts';
import type { MountLayout } from '../sync/local/mirror-root.ts';
import { isUnchanged, statFacts } from '../sync/local/stat-facts.ts';
import { askMount } from '../sync/mount/ask-mount.ts';
import { lockOwner } from '../sync/mount/lock-owner.ts';
import { ACCOUNT, ENGINE_STATE, indexPath, lockPath } from '../sync/mount/mount.ts';
import type { RemoteFile, RemoteUser } from '../sync/tree/entry.ts';

interface MountWorkdirOptions {
  readonly layout: MountLayout;
  /** What a person can type where the mount does not run; without it, nothing has to be typed. */
  readonly startWith?: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** A mount's folder, and the index that was opened to look at it. */
export interface OpenedMountWorkdir {
  readonly workdir: Workdir;
  /** How many of the files written through it Box does not have yet. */
  undelivered(): Promise<number>;
  close(): Promise<void>;
}

/** How often the index is asked whether the mount stored anything; costs no disk access while it did not. */
const INDEX_POLL_MS = 50;
/** How long a mount that has just begun may take to make its index. */
const INDEX_WAIT_MS = 5_000;
/** How often it is looked whether the mount's process still lives. */
const PULSE_MS = 1_000;
/** States of the engine in which nothing is heard of the others, and how a person is told. */
const DEAF: ReadonlyMap<string, string> = new Map([
  ['offline', 'the mount cannot reach Box'],
  ['access-lost', "the folder in Box is not shared with this mount's account any more"],
  ['root-missing', 'the mirrored folder is gone from the disk'],
  ['root-replaced', 'another folder stands where the mirrored one was'],
  ['root-emptied', 'everything is gone from one side at once, and the mount waits for a person'],
  ['stopped', 'the mount is about to start'],
  ['paused', 'the mount is paused'],
]);

/** How versions begin that Box knows; those of the disk begin with a digit. */
const REMOTE_VERSION = 'v';

const identity = (user: RemoteUser | null): Identity | null => user && { id: user.id, name: user.name };

/**
 * The shared folder of a running mount: files from the disk, versions and identities from the mount's index.
 *
 * Guarantees: the index is only read; a file whose present version is still on its way counts as not present; files
 * that the mount keeps online-only are listed with their versions.
 */
export async function openMountWorkdir(options: MountWorkdirOptions): Promise<OpenedMountWorkdir> {
  const { layout, clock } = options;
  const root = join(layout.directory, ...layout.rootPath);
  const plain = await openPlainWorkdir({ ...options, root, makesRoot: false });
  const index = await openIndex(clock, layout);
  const pulse = await feelPulse(clock, layout);
  // A mount that was killed cannot say so: its last word in the index is then of no worth.
  const trouble = () => {
    if (pulse.isAlive()) return DEAF.get(index.meta(ENGINE_STATE) ?? 'stopped') ?? null;
    const advice = options.startWith === undefined ? '' : `: type ${options.startWith}`;
    return `the mount at ${layout.directory} does not run${advice}`;
  };
  const written = new Set<string>();
  const entryAt = async (path: string): Promise<WorkdirEntry | undefined> => {
    const entries = await merge(index, plain, dirname(path) === '.' ? '' : dirname(path));
    return entries.find(({ name }) => name === basename(path));
  };
  const delivery = async (path: string): Promise<number> => {
    const entry = await entryAt(path);
    if (entry === undefined || (entry.present && entry.version.startsWith(REMOTE_VERSION))) return 1;
    return sentFraction(layout, path);
  };
  const undelivered = async (): Promise<number> => {
    for (const path of [...written]) if ((await delivery(path)) === 1) written.delete(path);
    return written.size;
  };
  const workdir: Workdir = {
    ...plain,
    identifies: true,
    account: () => accountOf(index),
    connected: () => trouble() === null,
    trouble,
    list: async (path) => merge(index, plain, path),
    entry: entryAt,
    writeStream: async (path, fill) => {
      await plain.writeStream(path, fill);
      written.add(path);
    },
    write: async (path, content) => {
      await plain.write(path, content);
      written.add(path);
    },
    delivery,
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
  const close = async () => {
    pulse.cancel();
    index.close();
  };
  return { workdir, undelivered, close };
}

/** Open the index of a mount, which may be about to make it. */
async function openIndex(clock: Clock, layout: MountLayout): Promise<VersionIndex> {
  const deadlineMs = clock.monotonic() + INDEX_WAIT_MS;
  for (;;) {
    try {
      return VersionIndex.openReadonly(indexPath(layout));
    } catch (error) {
      if (clock.monotonic() > deadlineMs) throw error;
      await delay(clock, INDEX_POLL_MS);
    }
  }
}

/** Whether the mount's process lives, as of a moment ago. */
async function feelPulse(clock: Clock, layout: MountLayout): Promise<{ isAlive(): boolean; cancel(): void }> {
  const path = lockPath(layout);
  let owner = await lockOwner(path);
  let timer: Timer;
  let isCancelled = false;
  const tick = async (): Promise<void> => {
    owner = await lockOwner(path);
    if (!isCancelled) timer = clock.after(PULSE_MS, () => void tick());
  };
  timer = clock.after(PULSE_MS, () => void tick());
  return {
    isAlive: () => owner !== undefined,
    cancel: () => {
      isCancelled = true;
      timer.cancel();
    },
  };
}

const transfersSchema = z.object({
  transfers: z.array(
    z.object({ path: z.string(), direction: z.string(), sizeBytes: z.number(), doneBytes: z.number() }),
  ),
});

/** How much of a file the mount has sent; a mount that does not answer has sent nothing. */
async function sentFraction(layout: MountLayout, path: string): Promise<number> {
  const status = await askMount(layout, { command: 'status' }).catch(() => undefined);
  const parsed = transfersSchema.safeParse(status);
  const transfer = parsed.data?.transfers.find((each) => each.path === path && each.direction === 'up');
  // Below one until the index says that Box has it.
  return transfer === undefined ? 0 : Math.min(0.99, transfer.doneBytes / Math.max(1, transfer.sizeBytes));
}

function pollIndex(clock: Clock, index: VersionIndex, onHint: () => void): Timer {
  // An index that cannot be read for now, such as on a disk that is away, is no reason to end: it is asked again.
  const versionNow = (): number | undefined => {
    try {
      return index.dataVersion();
    } catch {
      return undefined;
    }
  };
  let seen = versionNow();
  const tick = () => {
    const version = versionNow();
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
  const { files, folders } = remoteEntriesAt(index, path);
  const merged: WorkdirEntry[] = [];
  for (const entry of onDisk) {
    const remote = entry.kind === 'file' ? files.get(entry.name) : undefined;
    files.delete(entry.name);
    merged.push(
      remote === undefined
        ? { ...entry, createdBy: entry.kind === 'folder' ? (folders.get(entry.name) ?? null) : null }
        : await describe(index, entry, remote, plain.absolutePath(join(path, entry.name))),
    );
  }
  for (const remote of files.values()) merged.push(absent(remote));
  return merged.sort((left, right) => (left.name < right.name ? -1 : 1));
}

const ACCOUNT_SCHEMA = z.object({ id: z.string(), name: z.string() });

/** The account that the mount works in; null from an index in which it does not stand. */
function accountOf(index: VersionIndex): Identity | null {
  try {
    return ACCOUNT_SCHEMA.safeParse(JSON.parse(index.meta(ACCOUNT) ?? 'null')).data ?? null;
  } catch {
    return null;
  }
}

/** Box's files of a folder by name, and who made the folders in it. */
function remoteEntriesAt(index: VersionIndex, path: string) {
  let folder: RemoteId | undefined = remoteId(index.meta(ROOT) ?? '');
  for (const name of path.split('/').filter((part) => part !== '')) {
    if (folder === undefined) break;
    folder = index.remoteChildren(folder).find((child) => child.kind === 'folder' && child.name === name)?.id;
  }
  const children = folder === undefined ? [] : index.remoteChildren(folder);
  const files = new Map<string, RemoteFile>();
  const folders = new Map<string, Identity | null>();
  for (const child of children)
    if (child.kind === 'file') files.set(child.name, child);
    else folders.set(child.name, identity(child.createdBy ?? null));
  return { files, folders };
}

/** An entry whose bytes are not here, or not those of its present version. */
function absent(remote: RemoteFile): WorkdirEntry {
  return {
    name: remote.name,
    kind: 'file',
    sizeBytes: remote.content.sizeBytes,
    modifiedAtMs: remote.receivedAtMs,
    version: `${REMOTE_VERSION}${remote.versionId}`,
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
