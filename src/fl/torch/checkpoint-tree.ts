import type { CheckpointLimits } from './limits.ts';
import { malformed, quoted } from './malformed.ts';
import { isNode, kindOf, type PickleValue } from './pickle-value.ts';
import { layoutOf, type TensorLayout } from './tensor-layout.ts';

/** The way from the root to a value: keys of dicts, positions of lists. */
export type TreePath = readonly (string | number)[];

export interface TensorLeaf {
  readonly path: TreePath;
  readonly layout: TensorLayout;
}

export interface OpaqueLeaf {
  readonly path: TreePath;
  readonly name: string;
}

/** All that can be reached from a value. */
export interface CheckpointTree {
  readonly tensors: readonly TensorLeaf[];
  /** Inert objects of foreign code. */
  readonly opaque: readonly OpaqueLeaf[];
  /** Plain values: numbers, texts, None. */
  readonly others: readonly OpaqueLeaf[];
  /** True when a container was met twice: shared, or inside itself. */
  readonly shared: boolean;
}

/** A path as a person reads it. */
export function pathText(path: TreePath): string {
  return path.length === 0 ? '(root)' : path.map(String).join('.');
}

interface Visit {
  readonly path: TreePath;
  readonly value: PickleValue;
}

/**
 * List what can be reached from a value, without recursion; every container is entered once.
 *
 * Guarantees: tensors are in the order of their dicts and are checked against their storages.
 * Errors: CorruptError 'too-deep' | 'too-large'; those of `layoutOf`, with the path.
 */
export function walkTree(root: PickleValue, limits: CheckpointLimits): CheckpointTree {
  const tensors: TensorLeaf[] = [];
  const opaque: OpaqueLeaf[] = [];
  const others: OpaqueLeaf[] = [];
  const entered = new Set<PickleValue>();
  let shared = false;
  // Children are pushed in reverse, so that taking from the end keeps their order.
  const pending: Visit[] = [{ path: [], value: root }];
  const enter = (value: PickleValue, children: () => Visit[]) => {
    if (entered.has(value)) shared = true;
    else for (const child of children().reverse()) pending.push(child);
    entered.add(value);
  };
  for (let visit = pending.pop(); visit !== undefined; visit = pending.pop()) {
    const { path, value } = visit;
    const children = childrenOf(visit);
    if (path.length > limits.depthMax) throw malformed('too-deep', 'the checkpoint nests too deeply');
    if (children !== undefined) enter(value, children);
    else if (!isNode(value) || value.kind === 'complex') others.push({ path, name: kindOf(value) });
    else if (value.kind === 'tensor') tensors.push({ path, layout: checkedLayout(value, path) });
    else opaque.push({ path, name: kindOf(value) });
    if (tensors.length > limits.tensorsMax)
      throw malformed('too-large', 'the checkpoint has too many tensors');
  }
  return { tensors, opaque, others, shared };
}

function checkedLayout(node: Parameters<typeof layoutOf>[0], path: TreePath): TensorLayout {
  try {
    return layoutOf(node);
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error)) throw error;
    throw malformed(String(error.code), `${quoted(pathText(path))}: ${error.message}`, { path });
  }
}

function childrenOf(visit: Visit): (() => Visit[]) | undefined {
  const { path, value } = visit;
  if (!isNode(value)) return undefined;
  if (value.kind === 'list' || value.kind === 'tuple' || value.kind === 'set')
    return () => value.items.map((item, index) => ({ path: [...path, index], value: item }));
  if (value.kind !== 'dict') return undefined;
  return () => [...value.entries].map(([key, item]) => ({ path: [...path, keyText(key)], value: item }));
}

function keyText(key: PickleValue): string | number {
  return typeof key === 'string' || typeof key === 'number' ? key : String(isNode(key) ? kindOf(key) : key);
}
