import type { LocalId, RemoteId } from '../../ids.ts';
import type { SyncedEntry } from './entry.ts';
import { type ReadonlyTree, Tree, type TreeNode } from './tree.ts';

/** A synced entry as a tree node: keyed by the remote id. */
export type SyncedNode = SyncedEntry & TreeNode<RemoteId>;

/** The synced tree as the planner looks at it. */
export interface ReadonlySyncedTree extends ReadonlyTree<RemoteId, SyncedNode> {
  /** The pairing that a local node takes part in. */
  byLocal(id: LocalId): SyncedNode | undefined;
}

/** The agreed state, found by either side's id. */
export class SyncedTree extends Tree<RemoteId, SyncedNode> implements ReadonlySyncedTree {
  readonly #byLocal = new Map<LocalId, RemoteId>();

  byLocal(id: LocalId): SyncedNode | undefined {
    const remoteId = this.#byLocal.get(id);
    return remoteId === undefined ? undefined : this.get(remoteId);
  }

  /** Record an agreement. */
  pair(entry: SyncedEntry): void {
    this.put({ ...entry, id: entry.remoteId });
  }

  override put(node: SyncedNode): void {
    this.#forgetLocal(node.id);
    super.put(node);
    if (node.localId !== null) this.#byLocal.set(node.localId, node.id);
  }

  override remove(id: RemoteId): void {
    this.#forgetLocal(id);
    super.remove(id);
  }

  #forgetLocal(id: RemoteId): void {
    const localId = this.get(id)?.localId;
    if (localId !== undefined && localId !== null && this.#byLocal.get(localId) === id) {
      this.#byLocal.delete(localId);
    }
  }
}
