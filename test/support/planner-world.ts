import { type LocalId, localId, type RemoteId, remoteId } from '../../src/ids.ts';
import { invariant } from '../../src/invariant.ts';
import type { Op, Plan } from '../../src/sync/plan/op.ts';
import { plan } from '../../src/sync/plan/planner.ts';
import type { LocalEntry, RemoteEntry, SyncedEntry } from '../../src/sync/tree/entry.ts';
import { foldName } from '../../src/sync/tree/name-rules.ts';
import { SyncedTree } from '../../src/sync/tree/synced-tree.ts';
import { Tree } from '../../src/sync/tree/tree.ts';

const content = (sha1: string) => ({ sha1, sizeBytes: sha1.length, modifiedAtMs: 0 });

export const REMOTE_ROOT = remoteId('1');
export const LOCAL_ROOT = localId(1);

/**
 * Both sides and what they agreed on, as values: the effects of ops without a disk, a network or time.
 *
 * Each effect first checks what the real one would find refused: the parent is there, the name is free.
 */
export class PlannerWorld {
  readonly remote = new Tree<RemoteId, RemoteEntry>();
  readonly local = new Tree<LocalId, LocalEntry>();
  readonly synced = new SyncedTree();
  /** Contents that lost their name in a conflict. */
  readonly setAside: string[] = [];
  /** Contents that stand in Box's version history. */
  readonly history: string[] = [];
  /** Content bytes that crossed the line. */
  transfers = 0;
  #nextId = 100;

  constructor() {
    this.remote.put({ kind: 'folder', id: REMOTE_ROOT, parentId: null, name: '', etag: '0' });
    this.local.put({ kind: 'folder', id: LOCAL_ROOT, parentId: null, name: '', inode: '1' });
    this.synced.pair({
      remoteId: REMOTE_ROOT,
      localId: LOCAL_ROOT,
      parentId: null,
      name: '',
      kind: 'folder',
      content: null,
    });
  }

  plan(deletionsMax = 1000): Plan {
    return plan({
      remote: this.remote,
      local: this.local,
      synced: this.synced,
      filter: () => 'mirror',
      deletionsMax,
    });
  }

  freshId(): number {
    this.#nextId += 1;
    return this.#nextId;
  }

  // What users and programs do.

  createLocal(parentId: LocalId, name: string, sha1: string | null): LocalId | undefined {
    if (this.local.named(parentId, name).some((node) => node.name === name)) return undefined;
    const id = localId(this.freshId());
    const base = { id, parentId, name, inode: String(id) };
    this.local.put(
      sha1 === null
        ? { ...base, kind: 'folder' }
        : { ...base, kind: 'file', content: content(sha1), changedAtMs: 0 },
    );
    return id;
  }

  createRemote(parentId: RemoteId, name: string, sha1: string | null): RemoteId | undefined {
    if (this.remote.named(parentId, name).length > 0) return undefined;
    const id = remoteId(String(this.freshId()));
    this.remote.put(this.#remoteNode(id, parentId, name, sha1, 0));
    return id;
  }

  editLocal(id: LocalId, sha1: string): void {
    const node = this.local.get(id);
    if (node?.kind === 'file') this.local.put({ ...node, content: content(sha1) });
  }

  editRemote(id: RemoteId, sha1: string): void {
    const node = this.remote.get(id);
    if (node?.kind !== 'file') return;
    this.history.push(node.content.sha1);
    this.remote.put({ ...node, content: content(sha1), etag: bump(node.etag) });
  }

  deleteLocal(id: LocalId): void {
    if (id === LOCAL_ROOT) return;
    for (const node of [...this.local.subtree(id)].reverse()) this.local.remove(node.id);
  }

  deleteRemote(id: RemoteId): void {
    if (id === REMOTE_ROOT) return;
    for (const node of [...this.remote.subtree(id)].reverse()) this.remote.remove(node.id);
  }

  moveLocal(id: LocalId, parentId: LocalId, name: string): void {
    const node = this.local.get(id);
    const taken = this.local.named(parentId, name).some((each) => each.name === name && each.id !== id);
    const circle = this.local.subtree(id).some((each) => each.id === parentId);
    if (node !== undefined && id !== LOCAL_ROOT && !taken && !circle)
      this.local.put({ ...node, parentId, name });
  }

  moveRemote(id: RemoteId, parentId: RemoteId, name: string): void {
    const node = this.remote.get(id);
    const taken = this.remote.named(parentId, name).some((each) => each.id !== id);
    const circle = this.remote.subtree(id).some((each) => each.id === parentId);
    if (node !== undefined && id !== REMOTE_ROOT && !taken && !circle)
      this.remote.put({ ...node, parentId, name, etag: bump(node.etag) });
  }

  // What the executor does. False: the world refused, as a stale precondition would.

  apply(op: Op): boolean {
    switch (op.kind) {
      case 'agree':
        return this.#pair({ ...this.#pairing(op.remote, op.local.id), parentId: op.parentId, name: op.name });
      case 'keep-online':
        return this.#pair(this.#pairing(op.remote, null));
      case 'forget':
        this.synced.remove(op.synced.remoteId);
        return true;
      case 'download':
        return this.#download(op);
      case 'make-local-folder':
        return this.#makeLocalFolder(op);
      case 'upload':
      case 'make-remote-folder':
        return this.#create(op);
      case 'upload-version':
        return this.#uploadVersion(op);
      case 'move-local':
        return this.#moveLocal(op);
      case 'move-remote':
        return this.#moveRemote(op);
      case 'remove-local':
        return this.#removeLocal(op);
      case 'remove-remote':
        return this.#removeRemote(op);
      case 'evict':
        this.local.remove(op.local.id);
        return this.#pair(this.#pairing(op.remote, null));
      case 'set-aside':
        return this.#setAside(op.local.id);
    }
  }

  #makeLocalFolder(op: Extract<Op, { kind: 'make-local-folder' }>): boolean {
    const id = this.local.has(op.parent.id)
      ? this.createLocal(op.parent.id, op.remote.name, null)
      : undefined;
    return id !== undefined && this.#pair(this.#pairing(op.remote, id));
  }

  #create(op: Extract<Op, { kind: 'upload' | 'make-remote-folder' }>): boolean {
    const sha1 = op.local.kind === 'file' ? op.local.content.sha1 : null;
    const id = this.remote.has(op.parentId) ? this.createRemote(op.parentId, op.local.name, sha1) : undefined;
    if (id === undefined) return false;
    if (sha1 !== null) this.transfers += 1;
    return this.#pair(this.#pairing(this.#remoteOf(id), op.local.id));
  }

  #removeLocal(op: Extract<Op, { kind: 'remove-local' }>): boolean {
    if (this.local.children(op.local.id).length > 0 || this.local.get(op.local.id) !== op.local) return false;
    this.local.remove(op.local.id);
    this.synced.remove(op.synced.remoteId);
    return true;
  }

  #removeRemote(op: Extract<Op, { kind: 'remove-remote' }>): boolean {
    if (this.remote.get(op.remote.id) !== op.remote) return false;
    for (const node of [...this.remote.subtree(op.remote.id)].reverse()) {
      if (node.kind === 'file') this.history.push(node.content.sha1);
      this.remote.remove(node.id);
      this.synced.remove(node.id);
    }
    return true;
  }

  #download(op: Extract<Op, { kind: 'download' }>): boolean {
    const { remote, parent, replaces } = op;
    this.transfers += 1;
    if (replaces === null) {
      const id = this.local.has(parent.id)
        ? this.createLocal(parent.id, remote.name, remote.content.sha1)
        : undefined;
      return id !== undefined && this.#pair(this.#pairing(remote, id));
    }
    if (this.local.get(replaces.id) !== replaces) return false;
    const former = this.synced.get(remote.id);
    this.local.put({ ...replaces, content: remote.content });
    const place = former === undefined ? {} : { parentId: former.parentId, name: former.name };
    return this.#pair({ ...this.#pairing(remote, replaces.id), ...place });
  }

  #uploadVersion(op: Extract<Op, { kind: 'upload-version' }>): boolean {
    if (this.remote.get(op.remote.id)?.etag !== op.remote.etag) return false;
    this.transfers += 1;
    this.editRemote(op.remote.id, op.local.content.sha1);
    const former = this.synced.get(op.remote.id);
    const place = former === undefined ? {} : { parentId: former.parentId, name: former.name };
    return this.#pair({ ...this.#pairing(this.#remoteOf(op.remote.id), op.local.id), ...place });
  }

  #moveLocal({ synced, local, parent, name }: Extract<Op, { kind: 'move-local' }>): boolean {
    const node = this.local.get(local.id);
    const taken = this.local.named(parent.id, name).some((each) => each.id !== local.id);
    const circle = this.local.subtree(local.id).some((each) => each.id === parent.id);
    if (node !== local || !this.local.has(parent.id) || taken || circle) return false;
    this.local.put({ ...node, parentId: parent.id, name });
    return this.#pair({
      ...synced,
      parentId: this.synced.byLocal(parent.id)?.remoteId ?? synced.parentId,
      name,
    });
  }

  #moveRemote({ synced, remote, parentId, name }: Extract<Op, { kind: 'move-remote' }>): boolean {
    const taken = this.remote.named(parentId, name).some((each) => each.id !== remote.id);
    const circle = this.remote.subtree(remote.id).some((each) => each.id === parentId);
    if (this.remote.get(remote.id) !== remote || !this.remote.has(parentId) || taken || circle) return false;
    this.remote.put({ ...remote, parentId, name, etag: bump(remote.etag) });
    return this.#pair({ ...synced, parentId, name });
  }

  #setAside(id: LocalId): boolean {
    for (const node of [...this.local.subtree(id)].reverse()) {
      if (node.kind === 'file') this.setAside.push(node.content.sha1);
      const synced = this.synced.byLocal(node.id);
      if (synced !== undefined) this.synced.remove(synced.remoteId);
      this.local.remove(node.id);
    }
    return true;
  }

  #pairing(remote: RemoteEntry, id: LocalId | null): SyncedEntry {
    const { kind, name, parentId } = remote;
    return {
      remoteId: remote.id,
      localId: id,
      parentId,
      name,
      kind,
      content: remote.kind === 'file' ? remote.content : null,
    };
  }

  #pair(entry: SyncedEntry): true {
    this.synced.pair(entry);
    return true;
  }

  #remoteOf(id: RemoteId): RemoteEntry {
    const node = this.remote.get(id);
    invariant(node !== undefined, 'the node was just made');
    return node;
  }

  #remoteNode(
    id: RemoteId,
    parentId: RemoteId,
    name: string,
    sha1: string | null,
    etag: number,
  ): RemoteEntry {
    const base = { id, parentId, name, etag: String(etag) };
    if (sha1 === null) return { ...base, kind: 'folder' };
    return {
      ...base,
      kind: 'file',
      content: content(sha1),
      versionId: `${id}.${etag}`,
      createdBy: null,
      modifiedBy: null,
      receivedAtMs: 0,
    };
  }

  /** Faults of the trees themselves: hanging nodes, circles, two siblings of one folded name in Box. */
  faults(): string[] {
    const found: string[] = [];
    for (const [side, tree] of [
      ['remote', this.remote],
      ['local', this.local],
    ] as const) {
      for (const node of tree.values()) {
        const path = (tree as Tree<unknown, RemoteEntry | LocalEntry>).pathOf(node.id);
        if (path === undefined) found.push(`${side} ${node.id} hangs in the air`);
      }
    }
    for (const node of this.remote.values()) {
      if (node.parentId !== null && this.remote.named(node.parentId, node.name).length > 1)
        found.push(`two remote ${foldName(node.name)}`);
    }
    return found;
  }

  /** Path to content (folders: null), for comparing the sides. */
  static paths(tree: Tree<RemoteId, RemoteEntry> | Tree<LocalId, LocalEntry>): Map<string, string | null> {
    const any = tree as Tree<unknown, RemoteEntry | LocalEntry>;
    const found = new Map<string, string | null>();
    for (const node of any.values()) {
      const path = any.pathOf(node.id);
      if (path !== undefined && path.length > 0)
        found.set(path.join('/'), node.kind === 'file' ? node.content.sha1 : null);
    }
    return new Map([...found].sort(([a], [b]) => (a < b ? -1 : 1)));
  }
}

const bump = (etag: string) => String(Number(etag) + 1);
