import { type CheckpointTree, pathText, type TreePath, walkTree } from './checkpoint-tree.ts';
import type { CheckpointLimits } from './limits.ts';
import { malformed, quoted } from './malformed.ts';
import { type DictNode, isNode, kindOf, type PickleValue } from './pickle-value.ts';
import type { TensorLayout } from './tensor-layout.ts';

/** PyTorch's note of each module's version, by the module's name: an attribute of the state dict, not a key. */
export type ModelMetadata = ReadonlyMap<string, ReadonlyMap<string, number | string | boolean | null>>;

/** The model of a checkpoint, by name, not yet read. */
export interface ModelPlan {
  readonly tensors: ReadonlyMap<string, TensorLayout>;
  readonly metadata: ModelMetadata | null;
}

/**
 * Find the model in a checkpoint: the flat dict of tensors under `model`.
 *
 * Guarantees: nothing under `model` is foreign, shared or anything but a tensor; what stands beside it is not looked at.
 * Errors: CorruptError 'no-model' | 'foreign-object' | 'not-a-tensor' | those of the layouts.
 */
export function modelOf(root: PickleValue, limits: CheckpointLimits): ModelPlan {
  const model = isNode(root) && root.kind === 'dict' ? root.entries.get('model') : undefined;
  if (model === undefined)
    throw malformed('no-model', 'the checkpoint has no "model": it is not one that kMoL or Mila wrote');
  const tree = walkTree(model, limits);
  assertOnlyTensors(tree);
  if (!isNode(model) || model.kind !== 'dict')
    throw malformed('no-model', `the checkpoint's "model" is ${kindOf(model)}, not a state dict`);
  const tensors = new Map<string, TensorLayout>();
  for (const { path, layout } of tree.tensors) {
    const [name] = path;
    if (path.length !== 1 || typeof name !== 'string')
      throw malformed('not-a-tensor', `${modelPath(path)} is nested: a state dict is flat`, { path });
    tensors.set(name, layout);
  }
  if (tensors.size !== model.entries.size)
    throw malformed('not-a-tensor', "the checkpoint's model holds containers that are empty");
  return { tensors, metadata: metadataOf(model) };
}

function assertOnlyTensors(tree: CheckpointTree): void {
  const [foreign] = tree.opaque;
  if (foreign?.name.startsWith('torch._utils._rebuild_') === true)
    throw malformed('unsupported', `${modelPath(foreign.path)} is a kind of tensor that is not supported`, {
      path: ['model', ...foreign.path],
      name: foreign.name,
    });
  if (foreign !== undefined)
    throw malformed('foreign-object', `${modelPath(foreign.path)} is ${quoted(foreign.name)}, not a tensor`, {
      path: ['model', ...foreign.path],
      name: foreign.name,
    });
  if (tree.shared) throw malformed('foreign-object', "the checkpoint's model refers to itself");
  const [other] = tree.others;
  if (other !== undefined)
    throw malformed('not-a-tensor', `${modelPath(other.path)} is ${other.name}, not a tensor`, {
      path: ['model', ...other.path],
    });
}

function modelPath(path: TreePath): string {
  return quoted(pathText(['model', ...path]));
}

/** `_metadata` where it has the shape that PyTorch gives it; anything else is dropped, as it means nothing here. */
function metadataOf(model: DictNode): ModelMetadata | null {
  const stored = model.attributes?.entries.get('_metadata');
  if (stored === undefined || !isNode(stored) || stored.kind !== 'dict') return null;
  const metadata = new Map<string, ReadonlyMap<string, number | string | boolean | null>>();
  for (const [module, facts] of stored.entries) {
    if (typeof module !== 'string' || !isNode(facts) || facts.kind !== 'dict') return null;
    const kept = new Map<string, number | string | boolean | null>();
    for (const [name, value] of facts.entries) {
      const isInteger = typeof value === 'number' && Number.isInteger(value) && Math.abs(value) < 2 ** 31;
      if (typeof name === 'string' && (isInteger || value === null || typeof value === 'boolean'))
        kept.set(name, value);
    }
    metadata.set(module, kept);
  }
  return metadata;
}
