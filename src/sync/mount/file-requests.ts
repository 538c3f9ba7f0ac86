import { RejectedError, StateError } from '../../errors.ts';
import type { SyncEngine } from '../engine/engine.ts';
import type { Replica } from '../engine/replica.ts';
import type { LocalDisk } from '../local/disk.ts';
import { isUnchanged, statFacts } from '../local/stat-facts.ts';
import type { Filter } from '../plan/op.ts';
import type { RemoteStore, RemoteVersion } from '../remote/remote-store.ts';
import type { LocalEntry, RemoteEntry, RemoteFile } from '../tree/entry.ts';
import type { Pins } from './pins.ts';

/** What a running mount needs for doing what is asked about single files. */
export interface RunningParts {
  readonly store: RemoteStore;
  readonly replica: Replica;
  readonly disk: LocalDisk;
  readonly engine: SyncEngine;
  readonly pins: Pins;
  /** Without the pins. */
  readonly filter: Filter;
}

const namesOf = (path: string) => path.split('/').filter((name) => name !== '');

function remoteAt({ replica }: RunningParts, path: string): RemoteEntry | undefined {
  let node: RemoteEntry | undefined = replica.remoteRoot;
  for (const name of namesOf(path)) {
    if (node === undefined) return undefined;
    node = replica.remote.named(node.id, name).find((each) => each.name === name);
  }
  return node;
}

function localAt({ replica }: RunningParts, path: string): LocalEntry | undefined {
  let node: LocalEntry | undefined = replica.localRoot;
  for (const name of namesOf(path)) {
    if (node === undefined) return undefined;
    node = replica.local.named(node.id, name).find((each) => each.name === name);
  }
  return node;
}

function unknown(path: string): StateError {
  return new StateError({
    code: 'no-such-entry',
    message: `Box has no entry ${path}`,
    hint: '`mila-sync ls` lists what there is.',
  });
}

function filesBelow({ replica }: RunningParts, entry: RemoteEntry): readonly RemoteFile[] {
  return replica.remote.subtree(entry.id).filter((node) => node.kind === 'file');
}

const pathOf = ({ replica }: RunningParts, entry: RemoteEntry) =>
  (replica.remote.pathOf(entry.id) ?? []).join('/');

/**
 * Have the content of entries kept here; of a folder, also what comes later.
 *
 * Returns the files' paths. Errors: StateError 'no-such-entry' | 'not-mirrored'; nothing is changed then.
 */
export function keepHere(parts: RunningParts, paths: readonly string[]): readonly string[] {
  const found = paths.map((path) => ({ path, entry: remoteAt(parts, path) }));
  const files: string[] = [];
  for (const { path, entry } of found) {
    if (entry === undefined) {
      if (localAt(parts, path) === undefined) throw unknown(path);
      continue;
    }
    const below = filesBelow(parts, entry).map((file) => pathOf(parts, file));
    const wanted = below.filter((file) => parts.filter(namesOf(file), 'file') !== 'ignore');
    if (below.length > 0 && wanted.length === 0) {
      throw new StateError({
        code: 'not-mirrored',
        message: `${path} is excluded from this mount`,
        hint: 'Mount again with other --include and --exclude patterns.',
      });
    }
    files.push(...wanted);
  }
  parts.pins.set(
    found.map(({ path }) => namesOf(path).join('/')),
    'keep',
  );
  parts.engine.planAgain();
  return files;
}

/**
 * Give the disk space of entries back; of a folder, that of the files below it now.
 *
 * Guarantees: all of them or none; nothing whose present content is not in Box; nothing in Box changes. Returns the
 * files' paths. Errors: StateError 'no-such-entry' | 'not-in-box'.
 */
export async function keepOnline(parts: RunningParts, paths: readonly string[]): Promise<readonly string[]> {
  const files: string[] = [];
  for (const path of paths) {
    const entry = remoteAt(parts, path);
    const local = localAt(parts, path);
    if (entry === undefined && local === undefined) throw unknown(path);
    if (local !== undefined) await assertInBox(parts, local);
    for (const file of entry === undefined ? [] : filesBelow(parts, entry)) files.push(pathOf(parts, file));
  }
  parts.pins.set(files, 'online-only');
  parts.engine.planAgain();
  return files;
}

async function assertInBox(parts: RunningParts, entry: LocalEntry): Promise<void> {
  const { replica, disk } = parts;
  for (const local of replica.local.subtree(entry.id)) {
    if (local.kind !== 'file') continue;
    const names = replica.local.pathOf(local.id) ?? [];
    const synced = replica.synced.byLocal(local.id);
    const facts = await statFacts(disk.root.resolve(names));
    const sent = synced?.content?.sha1 === local.content.sha1 && replica.remote.has(synced.remoteId);
    if (sent && facts !== undefined && isUnchanged(facts, local)) continue;
    throw new StateError({
      code: 'not-in-box',
      message: `${names.join('/')} is not in Box yet as it stands here`,
      hint: 'Wait until `mila-sync ls` shows it as synced, then try again.',
    });
  }
}

function fileAt(parts: RunningParts, path: string): RemoteFile {
  const entry = remoteAt(parts, path);
  if (entry?.kind === 'file') return entry;
  if (entry === undefined) throw unknown(path);
  throw new StateError({ code: 'not-a-file', message: `${path} is a folder; Box keeps versions of files` });
}

/** Box's versions of a file, the newest first. */
export async function historyOf(parts: RunningParts, path: string): Promise<readonly RemoteVersion[]> {
  return parts.store.versions(fileAt(parts, path).id);
}

/**
 * Make an old version of a file current, in Box and with that everywhere.
 *
 * Guarantees: what was current stays in Box's history. Errors: StateError 'not-in-box' when the file here has
 * changes that Box has not; 'no-such-version'.
 */
export async function restoreVersion(
  parts: RunningParts,
  { path, version }: { readonly path: string; readonly version: string },
): Promise<RemoteFile> {
  const file = fileAt(parts, path);
  const local = localAt(parts, path);
  if (local !== undefined) await assertInBox(parts, local);
  const restored = await parts.store.promote(file.id, version).catch((error: unknown) => {
    if (!(error instanceof RejectedError) || error.code !== 'version-missing') throw error;
    throw new StateError({
      code: 'no-such-version',
      message: `${path} has no version ${version}`,
      hint: `\`mila-sync history ${path}\` lists them.`,
      cause: error,
    });
  });
  parts.replica.apply({ putRemote: [restored] });
  parts.engine.planAgain();
  return restored;
}
