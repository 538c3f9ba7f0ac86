import { foldName } from './name-rules.ts';

/** What a tree needs to know of its nodes. */
export interface TreeNode<Id> {
  readonly id: Id;
  /** Null for the root. */
  readonly parentId: Id | null;
  readonly name: string;
  readonly kind: 'file' | 'folder';
}

/** A tree that can be looked at. */
export interface ReadonlyTree<Id, Node extends TreeNode<Id>> {
  readonly size: number;
  get(id: Id): Node | undefined;
  has(id: Id): boolean;
  values(): IterableIterator<Node>;
  /** The nodes directly below a folder. */
  children(parentId: Id): readonly Node[];
  /** The nodes below a folder whose names fold alike; more than one is a duplicate that a folder should not have. */
  named(parentId: Id, name: string): readonly Node[];
  /** Names from just below the root down to the node; empty for the root; undefined when it hangs in the air. */
  pathOf(id: Id): readonly string[] | undefined;
  /** The node and everything below it, parents first. Guarantees: each once, also where folders form a circle. */
  subtree(id: Id): readonly Node[];
}

/** A path deeper than this is a circle made by a corrupt index. */
const DEPTH_MAX = 4096;

/**
 * One of the three trees, in memory, keyed by id and found by parent and folded name.
 *
 * Guarantees: the tree of what was observed or agreed, not a validator: a node may hang in the air while its parent
 * is not known yet.
 */
export class Tree<Id, Node extends TreeNode<Id>> implements ReadonlyTree<Id, Node> {
  readonly #nodes = new Map<Id, Node>();
  /** Below each folder, by folded name: one id, or several where a folder holds what it should not. */
  readonly #below = new Map<Id, Map<string, Id | Set<Id>>>();

  get size(): number {
    return this.#nodes.size;
  }

  get(id: Id): Node | undefined {
    return this.#nodes.get(id);
  }

  has(id: Id): boolean {
    return this.#nodes.has(id);
  }

  values(): IterableIterator<Node> {
    return this.#nodes.values();
  }

  /** Insert a node or replace the one of the same id. */
  put(node: Node): void {
    const former = this.#nodes.get(node.id);
    if (former !== undefined) this.#unlink(former);
    this.#nodes.set(node.id, node);
    if (node.parentId === null) return;
    const names = this.#below.get(node.parentId) ?? new Map<string, Id | Set<Id>>();
    this.#below.set(node.parentId, names);
    const folded = foldName(node.name);
    const ids = names.get(folded);
    if (ids === undefined) names.set(folded, node.id);
    else if (ids instanceof Set) ids.add(node.id);
    else names.set(folded, new Set([ids, node.id]));
  }

  /** Take out one node; what is below it hangs in the air until it is taken out too. */
  remove(id: Id): void {
    const node = this.#nodes.get(id);
    if (node === undefined) return;
    this.#unlink(node);
    this.#nodes.delete(id);
  }

  children(parentId: Id): readonly Node[] {
    const names = this.#below.get(parentId);
    if (names === undefined) return [];
    return [...names.values()].flatMap((ids) => this.#resolve(ids));
  }

  named(parentId: Id, name: string): readonly Node[] {
    const ids = this.#below.get(parentId)?.get(foldName(name));
    return ids === undefined ? [] : this.#resolve(ids);
  }

  pathOf(id: Id): readonly string[] | undefined {
    const names: string[] = [];
    let node = this.#nodes.get(id);
    while (node !== undefined && names.length < DEPTH_MAX) {
      if (node.parentId === null) return names.reverse();
      names.push(node.name);
      node = this.#nodes.get(node.parentId);
    }
    return undefined;
  }

  subtree(id: Id): readonly Node[] {
    const found = new Map<Id, Node>();
    const waiting = [id];
    while (waiting.length > 0) {
      const node = this.#nodes.get(waiting.pop() as Id);
      // Folders in a circle come back to where this has been.
      if (node === undefined || found.has(node.id)) continue;
      found.set(node.id, node);
      for (const child of this.children(node.id)) waiting.push(child.id);
    }
    return [...found.values()];
  }

  #resolve(ids: Id | ReadonlySet<Id>): Node[] {
    const nodes: Node[] = [];
    if (!(ids instanceof Set)) {
      const node = this.#nodes.get(ids as Id);
      return node === undefined ? nodes : [node];
    }
    for (const id of ids) {
      const node = this.#nodes.get(id);
      if (node !== undefined) nodes.push(node);
    }
    return nodes;
  }

  #unlink(node: Node): void {
    if (node.parentId === null) return;
    const names = this.#below.get(node.parentId);
    const folded = foldName(node.name);
    const ids = names?.get(folded);
    if (ids instanceof Set) ids.delete(node.id);
    if (ids === node.id || (ids instanceof Set && ids.size === 0)) names?.delete(folded);
    if (names?.size === 0) this.#below.delete(node.parentId);
  }
}

/** True when an entry is the folder or lies below it. Guarantees: ends, also where folders form a circle. */
export function isWithin<Id>(
  tree: { get(id: Id): { readonly parentId: Id | null } | undefined },
  id: Id,
  folderId: Id,
): boolean {
  let each: Id | null = id;
  for (let depth = 0; each !== null && depth < DEPTH_MAX; depth += 1) {
    if (each === folderId) return true;
    each = tree.get(each)?.parentId ?? null;
  }
  return false;
}
