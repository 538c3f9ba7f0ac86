import { ITEM_BYTES } from '../tensor/tensor.ts';
import { isInert, pathText, type TreePath, tensorLeaf, type Visit, walk } from './checkpoint-tree.ts';
import { COST, CreationBudget } from './creation-budget.ts';
import type { CheckpointLimits } from './limits.ts';
import { malformed, quoted } from './malformed.ts';
import { type DictNode, isNode, kindOf, type PickleValue } from './pickle-value.ts';
import { repeatsElements, type TensorLayout } from './tensor-layout.ts';

/** What PyTorch notes of one module. */
type ModuleFacts = ReadonlyMap<string, number | string | boolean | null>;

/** PyTorch's note of each module's version, by the module's name: an attribute of the state dict, not a key. */
export type ModelMetadata = ReadonlyMap<string, ModuleFacts>;

/** The model of a checkpoint, by name, not yet read. */
export interface ModelPlan {
  readonly tensors: ReadonlyMap<string, TensorLayout>;
  readonly metadata: ModelMetadata | null;
  /** Bytes of all tensors, each written out in full. */
  readonly unfoldedBytes: number;
}

/** The one attribute of a state dict that PyTorch writes. */
const METADATA = '_metadata';

/**
 * Find the model in a checkpoint: the flat dict of tensors under `model`.
 *
 * Guarantees: nothing under `model` is foreign, shared or anything but a tensor, and no tensor repeats its elements;
 * what stands beside it is not looked at. The first thing that speaks against the model decides.
 * Errors: CorruptError 'no-model' | 'foreign-object' | 'not-a-tensor' | 'too-long' | 'expanded' | 'over-budget' |
 * those of the layouts.
 */
export function modelOf(
  root: PickleValue,
  limits: CheckpointLimits,
  budget: CreationBudget = new CreationBudget(0, limits),
): ModelPlan {
  const model = modelNode(root, limits);
  const tensors = new Map<string, TensorLayout>();
  let unfoldedBytes = 0;
  for (const [key, value] of model.entries) {
    if (typeof key !== 'string')
      throw malformed('not-a-tensor', `the checkpoint's model has a key that is ${kindOf(key)}, not text`);
    if (key.length > limits.nameBytesMax || Buffer.byteLength(key) > limits.nameBytesMax)
      throw malformed('too-long', `a tensor's name is longer than ${limits.nameBytesMax} bytes`);
    if (!isNode(value) || value.kind !== 'tensor') throw notATensor(key, value, limits);
    const { layout } = tensorLeaf(value, ['model', key], budget);
    assertEachOnce(key, layout);
    unfoldedBytes += layout.count * ITEM_BYTES[layout.dtype];
    tensors.set(key, layout);
    if (tensors.size > limits.tensorsMax) throw malformed('too-large', 'the checkpoint has too many tensors');
  }
  return { tensors, metadata: metadataOf(model, limits, budget), unfoldedBytes };
}

/** Errors: CorruptError 'no-model' | 'foreign-object', or 'bad-key' where Python may take another model. */
function modelNode(root: PickleValue, limits: CheckpointLimits): DictNode {
  const model = isNode(root) && root.kind === 'dict' ? root.entries.get('model') : undefined;
  if (model === undefined || !isNode(root) || root.kind !== 'dict')
    throw malformed('no-model', 'the checkpoint has no "model": it is not one that kMoL or Mila wrote');
  // A foreign object may claim to equal the text "model": Python would then find its value there.
  for (const key of root.entries.keys())
    if (isInert(key))
      throw malformed('bad-key', `a key of the checkpoint is ${quoted(kindOf(key))}, a foreign object`);
  assertPlain(root);
  if (isNode(model) && model.kind === 'dict') {
    assertPlain(model);
    return model;
  }
  for (const visit of walk(model, limits)) {
    if (visit.isAgain || isInert(visit.value)) throw judge(['model', ...visit.path()], visit);
    break;
  }
  throw malformed('no-model', `the checkpoint's "model" is ${kindOf(model)}, not a state dict`);
}

/** Refuse attributes that would stand before a dict's own methods in Python. */
function assertPlain({ attributes }: DictNode): void {
  for (const name of attributes?.entries.keys() ?? [])
    if (name !== METADATA)
      throw malformed('unsupported', `the checkpoint's dicts have an attribute ${quoted(name)}`);
}

/** The first thing inside a value that speaks against it. */
function notATensor(key: string, value: PickleValue, limits: CheckpointLimits) {
  for (const visit of walk(value, limits)) return judge(['model', key, ...visit.path()], visit);
  return malformed('not-a-tensor', `${placeText(['model', key])} is an empty ${kindOf(value)}`);
}

function judge(path: TreePath, { value, isAgain }: Visit) {
  if (isAgain) return malformed('foreign-object', "the checkpoint's model refers to itself", { path });
  if (isInert(value)) return foreign(path, kindOf(value));
  if (isNode(value) && value.kind === 'tensor')
    return malformed('not-a-tensor', `${placeText(path)} is nested: a state dict is flat`, { path });
  return malformed('not-a-tensor', `${placeText(path)} is ${kindOf(value)}, not a tensor`, { path });
}

function foreign(path: TreePath, name: string) {
  if (name.startsWith('torch._utils._rebuild_'))
    return malformed('unsupported', `${placeText(path)} is a kind of tensor that is not supported`, {
      path,
      name,
    });
  return malformed('foreign-object', `${placeText(path)} is ${quoted(name)}, not a tensor`, { path, name });
}

function placeText(path: TreePath): string {
  return quoted(pathText(path));
}

function assertEachOnce(key: string, layout: TensorLayout): void {
  if (!repeatsElements(layout)) return;
  throw malformed(
    'expanded',
    `${placeText(['model', key])} repeats its elements instead of holding them, as expand() leaves it: ` +
      'save it after clone() or contiguous()',
    { path: ['model', key], shape: layout.shape, stride: layout.stride },
  );
}

/** `_metadata` where it has the shape that PyTorch gives it; anything else is dropped, as it means nothing here. */
function metadataOf(model: DictNode, limits: CheckpointLimits, budget: CreationBudget): ModelMetadata | null {
  const stored = model.attributes?.entries.get(METADATA);
  if (stored === undefined || !isNode(stored) || stored.kind !== 'dict') return null;
  const metadata = new Map<string, ModuleFacts>();
  for (const [module, facts] of stored.entries) {
    if (typeof module !== 'string' || !isNode(facts) || facts.kind !== 'dict') return null;
    if (module.length > limits.nameBytesMax) return null;
    // Before the copy: one dict may stand there for every module.
    budget.charge(
      module.length + COST.metadata * (1 + facts.entries.size),
      "facts about the model's modules",
    );
    metadata.set(module, plainFacts(facts, limits, budget));
  }
  return metadata;
}

function plainFacts(facts: DictNode, limits: CheckpointLimits, budget: CreationBudget): ModuleFacts {
  const kept = new Map<string, number | string | boolean | null>();
  for (const [name, value] of facts.entries) {
    const isInteger = typeof value === 'number' && Number.isInteger(value) && Math.abs(value) < 2 ** 31;
    if (typeof name !== 'string' || name.length > limits.nameBytesMax) continue;
    if (!isInteger && value !== null && typeof value !== 'boolean') continue;
    budget.charge(name.length, "facts about the model's modules");
    kept.set(name, value);
  }
  return kept;
}
