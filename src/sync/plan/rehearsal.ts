import { type LocalId, localId, type RemoteId, remoteId } from '../../ids.ts';
import type { Content, LocalEntry, RemoteEntry, SyncedEntry } from '../tree/entry.ts';
import type { SyncedTree } from '../tree/synced-tree.ts';
import type { Tree } from '../tree/tree.ts';
import type { Filter, HeldDeletions, Op, Problem } from './op.ts';
import { plan } from './planner.ts';

/** Trees that a rehearsal may change. */
export interface RehearsalTrees {
  readonly remote: Tree<RemoteId, RemoteEntry>;
  readonly local: Tree<LocalId, LocalEntry>;
  readonly synced: SyncedTree;
}

export interface Rehearsal {
  /** What would be done, in an order in which it can be done. */
  readonly ops: readonly Op[];
  readonly problems: readonly Problem[];
  readonly held: HeldDeletions | null;
}

interface RehearsalOptions {
  readonly filter: Filter;
  /** As in a plan. */
  readonly deletionsMax?: number;
  /** Called with each op before its effect on the trees is played. */
  readonly onOp?: (op: Op) => void;
}

/** A plan that is not at an end after so many rounds does not end. */
const ROUNDS_MAX = 10_000;

/**
 * Plan to the end: play each op's effect on the trees and plan again, as the engine would.
 *
 * Guarantees: pure but for the trees that are handed in; nothing but them is touched.
 */
export function rehearse(trees: RehearsalTrees, options: RehearsalOptions): Rehearsal {
  const done: Op[] = [];
  const stage = new Stage(trees);
  const { remote, local, synced } = trees;
  const { filter } = options;
  const { deletionsMax } = options;
  const recentDeletions = { local: 0, remote: 0 };
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    const input = { remote, local, synced, filter, recentDeletions };
    const { ops, problems, held } = plan(deletionsMax === undefined ? input : { ...input, deletionsMax });
    if (ops.length === 0) return { ops: done, problems, held };
    for (const op of ops) {
      options.onOp?.(op);
      const gone = stage.play(op);
      recentDeletions[op.kind === 'remove-local' ? 'local' : 'remote'] += gone;
      done.push(op);
    }
  }
  return { ops: done, problems: [], held: null };
}

class Stage {
  readonly #trees: RehearsalTrees;
  #made = 0;
  #lastLocalId: number;

  constructor(trees: RehearsalTrees) {
    this.#trees = trees;
    let last = 0;
    for (const node of trees.local.values()) last = Math.max(last, node.id);
    this.#lastLocalId = last;
  }

  /** Play one op. Returns how many entries it deletes. */
  play(op: Op): number {
    const { remote, local, synced } = this.#trees;
    switch (op.kind) {
      case 'agree':
        this.#pair({ ...pairing(op.remote, op.local.id), parentId: op.parentId, name: op.name });
        return 0;
      case 'keep-online':
        this.#pair(pairing(op.remote, null));
        return 0;
      case 'forget':
        synced.remove(op.synced.remoteId);
        return 0;
      case 'remove-local':
        local.remove(op.local.id);
        synced.remove(op.synced.remoteId);
        return 1;
      case 'remove-remote':
        return this.#removeRemote(op.remote.id);
      case 'evict':
        local.remove(op.local.id);
        this.#pair(pairing(op.remote, null));
        return 0;
      case 'set-aside':
        this.#setAside(op.local.id);
        return 0;
      case 'move-local':
        local.put({ ...op.local, parentId: op.parent.id, name: op.name });
        this.#replace(op.synced, {
          parentId: synced.byLocal(op.parent.id)?.remoteId ?? op.synced.parentId,
          name: op.name,
        });
        return 0;
      case 'move-remote':
        remote.put({ ...op.remote, parentId: op.parentId, name: op.name });
        this.#replace(op.synced, { parentId: op.parentId, name: op.name });
        return 0;
      default:
        this.#create(op);
        return 0;
    }
  }

  #create(
    op: Extract<
      Op,
      { kind: 'download' | 'upload' | 'upload-version' | 'make-local-folder' | 'make-remote-folder' }
    >,
  ): void {
    const { remote, local } = this.#trees;
    switch (op.kind) {
      case 'download': {
        const id = op.replaces?.id ?? this.#nextLocalId();
        const name = op.replaces?.name ?? op.remote.name;
        local.put(fileNode({ id, parentId: op.parent.id, name }, op.remote.content));
        this.#replace(pairing(op.remote, id), this.#formerPlace(op.remote.id));
        return;
      }
      case 'make-local-folder': {
        const id = this.#nextLocalId();
        local.put({ kind: 'folder', id, parentId: op.parent.id, name: op.remote.name, inode: '' });
        this.#pair(pairing(op.remote, id));
        return;
      }
      case 'upload-version': {
        const sent = { ...op.remote, content: op.local.content };
        remote.put(sent);
        this.#replace(pairing(sent, op.local.id), this.#formerPlace(op.remote.id));
        return;
      }
      case 'upload':
      case 'make-remote-folder': {
        const made = this.#remoteNode(op.parentId, op.local);
        remote.put(made);
        this.#pair(pairing(made, op.local.id));
      }
    }
  }

  #remoteNode(parentId: RemoteId, { name, ...local }: LocalEntry): RemoteEntry {
    this.#made += 1;
    const base = { id: remoteId(`new-${this.#made}`), parentId, name, etag: '0' };
    if (local.kind === 'folder') return { ...base, kind: 'folder' };
    const nobody = { versionId: '', createdBy: null, modifiedBy: null, receivedAtMs: 0 };
    return { ...base, ...nobody, kind: 'file', content: local.content };
  }

  #removeRemote(id: RemoteId): number {
    const gone = [...this.#trees.remote.subtree(id)].reverse();
    for (const node of gone) {
      this.#trees.remote.remove(node.id);
      this.#trees.synced.remove(node.id);
    }
    return gone.length;
  }

  #setAside(id: LocalId): void {
    const { local, synced } = this.#trees;
    for (const node of [...local.subtree(id)].reverse()) {
      const paired = synced.byLocal(node.id);
      if (paired !== undefined) synced.remove(paired.remoteId);
      local.remove(node.id);
    }
  }

  #formerPlace(id: RemoteId): Partial<SyncedEntry> {
    const former = this.#trees.synced.get(id);
    return former === undefined ? {} : { parentId: former.parentId, name: former.name };
  }

  #replace(entry: SyncedEntry, place: Partial<SyncedEntry>): void {
    this.#pair({ ...entry, ...place });
  }

  #pair(entry: SyncedEntry): void {
    this.#trees.synced.pair(entry);
  }

  #nextLocalId(): LocalId {
    this.#lastLocalId += 1;
    return localId(this.#lastLocalId);
  }
}

function fileNode(place: { id: LocalId; parentId: LocalId; name: string }, content: Content): LocalEntry {
  return { ...place, kind: 'file', inode: '', content, changedAtMs: 0 };
}

function pairing(remote: RemoteEntry, id: LocalId | null): SyncedEntry {
  const { kind, name, parentId } = remote;
  const content = remote.kind === 'file' ? remote.content : null;
  return { remoteId: remote.id, localId: id, parentId, name, kind, content };
}
