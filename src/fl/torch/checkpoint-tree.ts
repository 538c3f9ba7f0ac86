import { ITEM_BYTES } from '../tensor/tensor.ts';
import { COST, CreationBudget } from './creation-budget.ts';
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
  /** Inert objects, known or foreign. */
  readonly opaque: readonly OpaqueLeaf[];
  /** Bytes of all tensors, each written out in full. */
  readonly unfoldedBytes: number;
}

/** Longest part of a key that a text shows. Units: UTF-16 code units. */
const KEY_SHOWN_MAX = 1024;

/** A path as a person reads it. */
export function pathText(path: TreePath): string {
  if (path.length === 0) return '(root)';
  return path.map((key) => String(key).slice(0, KEY_SHOWN_MAX)).join('.');
}

/** One step of a walk: a value that is no container, or a container that was entered before. */
export interface Visit {
  readonly value: PickleValue;
  /** True for a container that is met again: shared, or inside itself. */
  readonly isAgain: boolean;
  /** Where the value stands; made when it is asked for. */
  readonly path: () => TreePath;
}

interface Frame {
  readonly children: Iterator<readonly [string | number, PickleValue]>;
  key: string | number;
}

/**
 * Walk what can be reached from a value, in order and without recursion; every container is entered once.
 *
 * Guarantees: nothing is kept but the way down; whoever stops early has paid for nothing more.
 * Errors: CorruptError 'too-deep'.
 */
export function* walk(root: PickleValue, limits: CheckpointLimits): Generator<Visit> {
  const entered = new Set<PickleValue>();
  const frames: Frame[] = [];
  const path = (): TreePath => frames.map(({ key }) => key);
  let value: PickleValue | undefined = root;
  for (;;) {
    if (value !== undefined) {
      const children = childrenOf(value);
      if (children === undefined || entered.has(value))
        yield { value, isAgain: children !== undefined, path };
      else {
        if (frames.length >= limits.depthMax)
          throw malformed('too-deep', 'the checkpoint nests too deeply', { max: limits.depthMax });
        entered.add(value);
        frames.push({ children, key: '' });
      }
    }
    const frame = frames[frames.length - 1];
    if (frame === undefined) return;
    const next = frame.children.next();
    value = undefined;
    if (next.done === true) frames.pop();
    else [frame.key, value] = next.value;
  }
}

/**
 * List the tensors and inert objects that can be reached from a value.
 *
 * Guarantees: tensors are in the order of their dicts and are checked against their storages.
 * Errors: CorruptError 'too-deep' | 'too-large' | 'over-budget'; those of `layoutOf`, with the path.
 */
export function walkTree(
  root: PickleValue,
  limits: CheckpointLimits,
  budget: CreationBudget = new CreationBudget(0, limits),
): CheckpointTree {
  const tensors: TensorLeaf[] = [];
  const opaque: OpaqueLeaf[] = [];
  let unfoldedBytes = 0;
  for (const { value, path } of walk(root, limits)) {
    if (isNode(value) && value.kind === 'tensor') {
      const leaf = tensorLeaf(value, path(), budget);
      unfoldedBytes += leaf.layout.count * ITEM_BYTES[leaf.layout.dtype];
      tensors.push(leaf);
    } else if (isInert(value)) {
      budget.charge(COST.leaf, 'foreign objects');
      opaque.push({ path: path(), name: kindOf(value) });
    }
    if (tensors.length > limits.tensorsMax)
      throw malformed('too-large', 'the checkpoint has too many tensors');
  }
  return { tensors, opaque, unfoldedBytes };
}

/** True for what is kept as a name only. */
export function isInert(value: PickleValue): boolean {
  return isNode(value) && (value.kind === 'opaque' || value.kind === 'global');
}

/** A tensor with its place, checked against its storage. Errors: CorruptError of `layoutOf`, with the path. */
export function tensorLeaf(
  node: Parameters<typeof layoutOf>[0],
  path: TreePath,
  budget: CreationBudget,
): TensorLeaf {
  budget.charge(COST.leaf + COST.dimension * path.length, 'tensors');
  try {
    return { path, layout: layoutOf(node) };
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error)) throw error;
    throw malformed(String(error.code), `${quoted(pathText(path))}: ${error.message}`, { path });
  }
}

function childrenOf(value: PickleValue): Iterator<readonly [string | number, PickleValue]> | undefined {
  if (!isNode(value)) return undefined;
  if (value.kind === 'list' || value.kind === 'tuple' || value.kind === 'set') return value.items.entries();
  return value.kind === 'dict' ? entriesOf(value.entries) : undefined;
}

function* entriesOf(
  entries: ReadonlyMap<PickleValue, PickleValue>,
): Generator<readonly [string | number, PickleValue]> {
  for (const [key, item] of entries) yield [keyText(key), item];
}

function keyText(key: PickleValue): string | number {
  if (typeof key === 'string' || typeof key === 'number') return key;
  return isNode(key) || key instanceof Uint8Array ? kindOf(key) : String(key);
}
