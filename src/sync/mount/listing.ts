import type { Trees } from '../index/version-index.ts';
import type { Filter } from '../plan/op.ts';
import type { LocalEntry, RemoteEntry, RemoteUser } from '../tree/entry.ts';
import type { SyncedNode } from '../tree/synced-tree.ts';

/** How an entry stands. `conflict`: a second copy of it waits in the conflict folder. */
export type ListedState =
  | 'synced'
  | 'online-only'
  | 'uploading'
  | 'downloading'
  | 'waiting'
  | 'conflict'
  | 'ignored';

/** One line of the virtual drive's view. */
export interface ListedEntry {
  /** From the mirrored folder down. */
  readonly path: string;
  /** Box's id; null while Box does not have it. */
  readonly id: string | null;
  readonly type: 'file' | 'folder';
  readonly sizeBytes: number | null;
  readonly sha1: string | null;
  readonly etag: string | null;
  readonly version: string | null;
  /** Units: milliseconds since 1970. */
  readonly modifiedAtMs: number | null;
  readonly createdBy: RemoteUser | null;
  readonly state: ListedState;
}

/** What is known beside the trees. */
export interface ListingFacts {
  readonly filter: Filter;
  /** Paths whose conflict copies still stand. */
  readonly conflicts: ReadonlySet<string>;
  /** What a running mount tries again later, or cannot mirror as it is: paths, and `remote ID` or `local ID`. */
  readonly waiting: ReadonlySet<string>;
}

interface Standing {
  readonly remote?: RemoteEntry | undefined;
  readonly local?: LocalEntry | undefined;
  readonly synced?: SyncedNode | undefined;
}

/** Every entry of either side, by path. Guarantees: pure; an entry that both sides hold is one line. */
export function listing(trees: Trees, facts: ListingFacts): readonly ListedEntry[] {
  const standings = new Map<string, Standing>();
  for (const remote of trees.remote.values()) {
    const path = trees.remote.pathOf(remote.id)?.join('/');
    const synced = trees.synced.get(remote.id);
    const local = synced?.localId == null ? undefined : trees.local.get(synced.localId);
    if (path) standings.set(path, { remote, synced, local });
  }
  for (const local of trees.local.values()) {
    const synced = trees.synced.byLocal(local.id);
    if (synced !== undefined && trees.remote.has(synced.remoteId)) continue;
    const path = trees.local.pathOf(local.id)?.join('/');
    if (path) standings.set(path, { synced, ...standings.get(path), local });
  }
  return [...standings]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([path, standing]) => lineOf(path, standing, facts));
}

function lineOf(path: string, standing: Standing, facts: ListingFacts): ListedEntry {
  const { remote, local } = standing;
  const file = remote?.kind === 'file' ? remote : undefined;
  const content = file?.content ?? (local?.kind === 'file' ? local.content : undefined);
  return {
    path,
    id: remote?.id ?? null,
    type: (remote ?? local)?.kind ?? 'file',
    sizeBytes: content?.sizeBytes ?? null,
    sha1: content?.sha1 ?? null,
    etag: remote?.etag ?? null,
    version: file?.versionId ?? null,
    modifiedAtMs: content?.modifiedAtMs ?? null,
    createdBy: file?.createdBy ?? null,
    state: stateOf(path, standing, facts),
  };
}

function stateOf(
  path: string,
  standing: Standing,
  { filter, conflicts, waiting }: ListingFacts,
): ListedState {
  const { remote, local, synced } = standing;
  const kind = (remote ?? local)?.kind ?? 'file';
  const disposition = filter(path.split('/'), kind);
  if (disposition === 'ignore') return 'ignored';
  if ([path, `remote ${remote?.id}`, `local ${local?.id}`].some((each) => waiting.has(each)))
    return 'waiting';
  if (remote === undefined) return synced === undefined ? 'uploading' : 'waiting';
  if (local !== undefined) return conflicts.has(path) ? 'conflict' : bothHere(remote, local, synced);
  if (synced !== undefined && synced.localId !== null) return 'waiting';
  return disposition === 'online-only' ? 'online-only' : 'downloading';
}

function bothHere(remote: RemoteEntry, local: LocalEntry, synced: SyncedNode | undefined): ListedState {
  if (remote.kind === 'folder' || local.kind === 'folder') return synced === undefined ? 'waiting' : 'synced';
  const agreed = synced?.content?.sha1;
  const [here, there] = [local.content.sha1, remote.content.sha1];
  if (here === there) return synced === undefined ? 'waiting' : 'synced';
  if (here !== agreed && there !== agreed) return 'conflict';
  return here === agreed ? 'downloading' : 'uploading';
}
