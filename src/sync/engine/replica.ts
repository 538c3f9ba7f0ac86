import { type LocalId, localId, type RemoteId } from '../../ids.ts';
import { invariant } from '../../invariant.ts';
import type { Trees, VersionIndex } from '../index/version-index.ts';
import type { LocalTreeStore } from '../local/local-tree-store.ts';
import type { RootMemory } from '../local/root-guard.ts';
import { deviceOf } from '../local/stat-facts.ts';
import type { LocalEntry, LocalFolder, RemoteEntry, RemoteFolder, SyncedEntry } from '../tree/entry.ts';

/** What one finished op, or one observation, changes in the three trees. */
export interface Changes {
  readonly putRemote?: readonly RemoteEntry[];
  readonly removeRemote?: readonly RemoteId[];
  readonly putLocal?: readonly LocalEntry[];
  readonly removeLocal?: readonly LocalId[];
  readonly pair?: readonly SyncedEntry[];
  readonly unpair?: readonly RemoteId[];
  /** The stream position that the observation covers. */
  readonly position?: string;
  /** More to store in the same transaction. */
  readonly alsoStore?: () => void;
}

/** Where the index keeps the position up to which the event feed was read; empty: list everything. */
export const POSITION = 'stream_position';
/** Where the index keeps the id of the mirrored folder. */
export const ROOT = 'root_remote_id';
/** Where the index keeps what names the mirrored folder on the disk. */
const ROOT_IDENTITY = 'root_local_identity';
const LAST_LOCAL_ID = 'last_local_id';
const UPLOAD = 'upload:';
/** So many contents of one file may wait for an answer; the oldest is forgotten first. */
const INTENTS_MAX = 32;

/**
 * The three trees in memory and in the index, changed together.
 *
 * Guarantees: a change is stored in one transaction before it is seen in memory; Box's counters never go back: an
 * older observation of an item never replaces a newer one; local ids are never given twice.
 */
export class Replica implements LocalTreeStore, RootMemory {
  readonly index: VersionIndex;
  readonly #trees: Trees;
  readonly #rootId: RemoteId;
  #lastLocalId: number;
  #rootIdentity: string | undefined;
  /** What was being sent when its answer was lost, by local node: several, when a file changes between crashes. */
  readonly #intents = new Map<LocalId, Set<string>>();
  /** Counts every change of the remote tree by id, so that an observation can tell what moved while it was made. */
  readonly #touched = new Map<RemoteId, number>();
  #generation = 0;

  private constructor(index: VersionIndex, trees: Trees, rootId: RemoteId) {
    this.index = index;
    this.#trees = trees;
    this.#rootId = rootId;
    this.#lastLocalId = Number(index.meta(LAST_LOCAL_ID) ?? 0);
    this.#rootIdentity = index.meta(ROOT_IDENTITY) || undefined;
    for (const node of trees.local.values()) this.#lastLocalId = Math.max(this.#lastLocalId, node.id);
    for (const { key, sha1 } of index.journalEntries()) {
      const id = Number(key.slice(UPLOAD.length).split(':')[0]);
      if (key.startsWith(UPLOAD) && sha1 !== null && Number.isSafeInteger(id))
        this.#intentsOf(localId(id)).add(sha1);
    }
  }

  /** Load the trees for this root. Another root than last time: what was agreed and observed in Box is forgotten. */
  static open(index: VersionIndex, root: RemoteFolder): Replica {
    if (index.meta(ROOT) !== root.id) {
      const former = index.loadTrees();
      index.transaction(() => {
        for (const node of former.remote.values()) index.removeRemote(node.id);
        for (const node of former.synced.values()) index.removeSynced(node.id);
        index.setMeta(ROOT, root.id);
        index.setMeta(POSITION, '');
      });
    }
    const replica = new Replica(index, index.loadTrees(), root.id);
    replica.#ensureRoots(root);
    return replica;
  }

  get remote() {
    return this.#trees.remote;
  }
  get local() {
    return this.#trees.local;
  }
  get synced() {
    return this.#trees.synced;
  }
  get remoteRoot(): RemoteFolder {
    const root = this.remote.get(this.#rootId);
    invariant(root?.kind === 'folder', 'the remote tree has a root');
    return root;
  }
  get localRoot(): LocalFolder {
    const id = this.synced.get(this.#rootId)?.localId;
    const root = id === undefined || id === null ? undefined : this.local.get(id);
    invariant(root?.kind === 'folder', 'the local tree has a root');
    return root;
  }

  /** Content that was begun to be sent and is not known to have arrived, by local node: hex SHA-1s. */
  get intents(): ReadonlyMap<LocalId, ReadonlySet<string>> {
    return this.#intents;
  }

  /** The journal's key of a content that is being uploaded from a local node. */
  static uploadKey(id: LocalId, sha1: string): string {
    return `${UPLOAD}${id}:${sha1}`;
  }

  /** Store what is about to be sent, before any of it is: a lost answer is then recognised as one's own success. */
  uploadStarts(
    id: LocalId,
    upload: { readonly path: string; readonly sha1: string; readonly atMs: number },
  ): void {
    const { path, sha1, atMs: startedAtMs } = upload;
    this.index.journalStart({
      key: Replica.uploadKey(id, sha1),
      op: 'upload',
      path,
      sha1,
      startedAtMs,
      resumption: null,
    });
    const intents = this.#intentsOf(id);
    intents.add(sha1);
    for (const oldest of intents) {
      if (intents.size <= INTENTS_MAX) break;
      intents.delete(oldest);
      this.index.journalEnd(Replica.uploadKey(id, oldest));
    }
  }

  #intentsOf(id: LocalId): Set<string> {
    const intents = this.#intents.get(id) ?? new Set();
    this.#intents.set(id, intents);
    return intents;
  }

  /** Forget it: it has arrived. To be called in the transaction that stores what came of it. */
  uploadEnded(id: LocalId): void {
    // As former versions of this program wrote it, with one content for each file.
    this.index.journalEnd(`${UPLOAD}${id}`);
    for (const sha1 of this.#intents.get(id) ?? []) this.index.journalEnd(Replica.uploadKey(id, sha1));
    this.#intents.delete(id);
  }

  /** Folders of the remote tree. */
  get folderCount(): number {
    let count = 0;
    for (const node of this.remote.values()) if (node.kind === 'folder') count += 1;
    return count;
  }

  /** Where the event feed was last read to; undefined: list everything. */
  get position(): string | undefined {
    return this.index.meta(POSITION) || undefined;
  }

  /** Device, inode and birth of the mirrored folder; undefined before it was seen for the first time. */
  get rootIdentity(): string | undefined {
    return this.#rootIdentity;
  }

  /** What a folder of the mirror is known as on the disk; undefined when it is not known. */
  knownAs(names: readonly string[]): string | undefined {
    if (names.length === 0) return this.rootIdentity;
    let node: LocalEntry | undefined = this.localRoot;
    for (const name of names) {
      if (node === undefined) return undefined;
      node = this.local.named(node.id, name).find((each) => each.name === name);
    }
    return node?.inode;
  }

  keepRootIdentity(identity: string): void {
    // An index without room refuses: then it is not known, and kept at a later look.
    this.index.setMeta(ROOT_IDENTITY, identity);
    this.#rootIdentity = identity;
  }

  /** The disk was mounted again under another number: what was known on it is known still. */
  renumberDevice(from: string, to: string): void {
    const moved = [...this.local.values()].filter((node) => deviceOf(node.inode) === from);
    this.apply({
      putLocal: moved.map((node) => ({ ...node, inode: `${to}${node.inode.slice(from.length)}` })),
    });
  }

  /**
   * Forget what was agreed, and what was known of the disk: nothing that one side lacks counts as deleted, and equal
   * content is agreed on anew.
   */
  forgetAgreements(): void {
    const isBelow = (node: { readonly parentId: unknown }) => node.parentId !== null;
    this.apply({
      unpair: [...this.synced.values()].filter(isBelow).map((node) => node.remoteId),
      removeLocal: [...this.local.values()].filter(isBelow).map((node) => node.id),
      position: '',
    });
  }

  /** The same of what is below one folder on the disk, which from now on is the one of this identity. */
  forgetBelow(id: LocalId, identity: string): void {
    const [folder, ...below] = this.local.subtree(id);
    if (folder?.kind !== 'folder') return;
    this.apply({
      unpair: below.flatMap((node) => this.synced.byLocal(node.id)?.remoteId ?? []),
      removeLocal: below.map((node) => node.id).reverse(),
      putLocal: [{ ...folder, inode: identity }],
    });
  }

  /** A mark to compare later changes with. */
  get generation(): number {
    return this.#generation;
  }

  /** True when the item was changed by this program since the mark. */
  touchedSince(id: RemoteId, generation: number): boolean {
    return (this.#touched.get(id) ?? 0) > generation;
  }

  /** Nothing is being observed, so nobody will ask what was touched before. */
  forgetTouched(): void {
    this.#touched.clear();
  }

  nextLocalId(): LocalId {
    this.#lastLocalId += 1;
    return localId(this.#lastLocalId);
  }

  storeLocal(changes: { readonly put: readonly LocalEntry[]; readonly remove: readonly LocalId[] }): void {
    this.apply({ putLocal: changes.put, removeLocal: changes.remove });
  }

  /** Store changes, then show them. */
  apply(changes: Changes): void {
    const putRemote = (changes.putRemote ?? []).filter((entry) => !this.#isOlder(entry));
    this.index.transaction(() => this.#store({ ...changes, putRemote }));
    this.#generation += 1;
    for (const entry of putRemote) this.#touch(entry.id, () => this.remote.put(entry));
    for (const id of changes.removeRemote ?? []) this.#touch(id, () => this.remote.remove(id));
    for (const entry of changes.putLocal ?? []) this.local.put(entry);
    for (const id of changes.removeLocal ?? []) this.local.remove(id);
    for (const entry of changes.pair ?? []) this.synced.pair(entry);
    for (const id of changes.unpair ?? []) this.synced.remove(id);
  }

  #store(changes: Changes): void {
    const { index } = this;
    for (const entry of changes.putRemote ?? []) index.putRemote(entry);
    for (const id of changes.removeRemote ?? []) index.removeRemote(id);
    for (const entry of changes.putLocal ?? []) index.putLocal(entry);
    for (const id of changes.removeLocal ?? []) index.removeLocal(id);
    for (const entry of changes.pair ?? []) index.putSynced(entry);
    for (const id of changes.unpair ?? []) index.removeSynced(id);
    this.#storeMeta(changes);
  }

  #storeMeta(changes: Changes): void {
    const { index } = this;
    if (changes.position !== undefined) index.setMeta(POSITION, changes.position);
    if (changes.putLocal !== undefined) index.setMeta(LAST_LOCAL_ID, String(this.#lastLocalId));
    changes.alsoStore?.();
  }

  #touch(id: RemoteId, change: () => void): void {
    change();
    this.#touched.set(id, this.#generation);
  }

  #isOlder(entry: RemoteEntry): boolean {
    const known = this.remote.get(entry.id);
    return known !== undefined && Number(entry.etag) < Number(known.etag);
  }

  #ensureRoots(root: RemoteFolder): void {
    const base: RemoteFolder = { ...root, parentId: null };
    const paired = this.synced.get(root.id);
    const local = paired?.localId == null ? undefined : this.local.get(paired.localId);
    const standing = local ?? [...this.local.values()].find((node) => node.parentId === null);
    const localRoot: LocalFolder =
      standing?.kind === 'folder'
        ? standing
        : { kind: 'folder', id: this.nextLocalId(), parentId: null, name: '', inode: '' };
    this.apply({
      putRemote: [base],
      putLocal: [localRoot],
      pair: [
        { remoteId: root.id, localId: localRoot.id, parentId: null, name: '', kind: 'folder', content: null },
      ],
    });
  }
}
