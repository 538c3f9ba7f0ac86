import { mayTakeAttributeOf } from './foreign-names.ts';
import { malformed, quoted } from './malformed.ts';
import {
  type DictNode,
  isNode,
  kindOf,
  newDict,
  type OpaqueNode,
  type PickleValue,
  type StorageNode,
  setEntry,
  type TensorNode,
  type TupleNode,
} from './pickle-value.ts';
import { dtypeOfGlobal, dtypeOfStorage } from './storage-classes.ts';

/** PyTorch itself handles no more dimensions. */
const DIMENSIONS_MAX = 64;

type Arguments = readonly PickleValue[];
type Call = (args: Arguments, name: string) => PickleValue;

/** The calls that are understood; every other name stays an inert object. */
const CALLS: ReadonlyMap<string, Call> = new Map<string, Call>([
  ['collections.OrderedDict', orderedDict],
  ['torch.Size', (args) => asTuple(args[0], 'torch.Size')],
  ['torch._utils._rebuild_tensor', rebuildTensor],
  ['torch._utils._rebuild_tensor_v2', rebuildTensor],
  ['torch._utils._rebuild_tensor_v3', rebuildTensorOfDtype],
  ['torch._utils._rebuild_parameter', rebuildParameter],
  ['torch._utils._rebuild_parameter_with_state', rebuildParameter],
  ['torch.nn.parameter.Parameter', rebuildParameter],
  ['_codecs.encode', encode],
  ['builtins.set', (args) => ({ kind: 'set', items: takeItems(args[0], 'a set') })],
  ['builtins.bytearray', (args) => (args[0] instanceof Uint8Array ? args[0] : opaque('builtins.bytearray'))],
  ['builtins.complex', complexNumber],
]);

export function opaque(name: string): OpaqueNode {
  return { kind: 'opaque', name };
}

/**
 * What REDUCE and NEWOBJ give: a value for the few names that describe tensors, an inert object for all others.
 *
 * Guarantees: nothing is looked up, imported or run; the arguments of an inert object are dropped.
 * Errors: CorruptError 'unsafe' for an attribute taken of anything but a scheduler; 'bad-call' for wrong arguments.
 */
export function callGlobal(name: string, args: PickleValue): PickleValue {
  if (name === 'builtins.getattr') return takeAttribute(args);
  const call = CALLS.get(name);
  if (call === undefined) return opaque(name);
  return call(asTuple(args, name).items, name);
}

function takeAttribute(args: PickleValue): OpaqueNode {
  const [target, attribute] = asTuple(args, 'builtins.getattr').items;
  const owner =
    target !== undefined && isNode(target) && (target.kind === 'opaque' || target.kind === 'global')
      ? target.name
      : '';
  if (!mayTakeAttributeOf(owner))
    throw malformed('unsafe', `the checkpoint takes attribute ${quoted(attribute)} of ${quoted(owner)}`, {
      attribute: String(attribute).slice(0, 100),
    });
  return opaque(`${owner}.${String(attribute)}`);
}

/** Parse a persistent id: ('storage', class, key, location, numel[, view]). Errors: CorruptError 'bad-storage'. */
export function storageOf(id: PickleValue): StorageNode {
  const [kind, storageClass, key, , numel, view] = asTuple(id, 'a persistent id').items;
  if (kind !== 'storage')
    throw malformed('bad-storage', `the checkpoint refers to ${quoted(kind)} objects outside the stream`);
  if (storageClass === undefined || !isNode(storageClass) || storageClass.kind !== 'global')
    throw malformed('bad-storage', 'a storage has no class');
  if (typeof key !== 'string' || !/^[0-9]{1,24}$/u.test(key))
    throw malformed('bad-storage', `a storage has the key ${quoted(key)}, not a number`);
  return {
    kind: 'storage',
    key,
    dtype: dtypeOfStorage(storageClass.name),
    className: storageClass.name,
    numel: count(numel, "a storage's length"),
    viewOffset: viewOffsetOf(view),
  };
}

/** A legacy view ('key', offset, length) into the storage. */
function viewOffsetOf(view: PickleValue | undefined): number {
  if (view === undefined || view === null) return 0;
  const [, offset] = asTuple(view, "a storage's view").items;
  return count(offset, "a view's offset");
}

function rebuildTensor(args: Arguments, name: string): PickleValue {
  const [storage, offset, shape, stride, requiresGrad] = args;
  return tensorOf({ storage, offset, shape, stride, requiresGrad, dtype: undefined, name });
}

function rebuildTensorOfDtype(args: Arguments, name: string): PickleValue {
  const [storage, offset, shape, stride, requiresGrad, , dtype] = args;
  return tensorOf({ storage, offset, shape, stride, requiresGrad, dtype, name });
}

interface TensorArguments {
  readonly storage: PickleValue | undefined;
  readonly offset: PickleValue | undefined;
  readonly shape: PickleValue | undefined;
  readonly stride: PickleValue | undefined;
  readonly requiresGrad: PickleValue | undefined;
  readonly dtype: PickleValue | undefined;
  readonly name: string;
}

function tensorOf(args: TensorArguments): TensorNode {
  const { storage, dtype } = args;
  if (storage === undefined || !isNode(storage) || storage.kind !== 'storage')
    throw malformed('bad-call', 'a tensor has no storage');
  return {
    kind: 'tensor',
    storage,
    dtype: dtypeFor(storage, dtype),
    offset: count(args.offset, "a tensor's offset"),
    shape: counts(args.shape, "a tensor's size"),
    stride: counts(args.stride, "a tensor's stride"),
    requiresGrad: args.requiresGrad === true,
    parameter: false,
  };
}

function dtypeFor(storage: StorageNode, dtype: PickleValue | undefined): TensorNode['dtype'] {
  if (dtype === undefined) return storage.dtype === 'untyped' ? 'uint8' : storage.dtype;
  if (dtype === null || !isNode(dtype) || dtype.kind !== 'global')
    throw malformed('bad-call', 'a tensor has no element type');
  return dtypeOfGlobal(dtype.name);
}

function rebuildParameter(args: Arguments): PickleValue {
  const [tensor, requiresGrad] = args;
  if (tensor === undefined || !isNode(tensor) || tensor.kind !== 'tensor')
    throw malformed('bad-call', 'a parameter has no tensor');
  return { ...tensor, parameter: true, requiresGrad: requiresGrad !== false };
}

function orderedDict(args: Arguments): DictNode {
  const dict = newDict(true);
  for (const pair of takeItems(args[0], 'an ordered dict')) {
    const [key, value] = itemsOf(pair);
    if (key === undefined || value === undefined)
      throw malformed('bad-call', 'an ordered dict is given something else than pairs');
    setEntry(dict, asKey(key), value);
  }
  return dict;
}

/** Bytes as protocol 2 spells them: text in Latin-1. */
function encode(args: Arguments): PickleValue {
  const [text, encoding] = args;
  if (typeof text !== 'string' || (encoding !== 'latin1' && encoding !== 'latin-1'))
    throw malformed('bad-call', '_codecs.encode is given something else than text in Latin-1');
  return Buffer.from(text, 'latin1');
}

function complexNumber(args: Arguments): PickleValue {
  const [real, imaginary] = args;
  return { kind: 'complex', real: Number(real ?? 0), imaginary: Number(imaginary ?? 0) };
}

/** Take a list's items out of it, so that recalling one list a million times costs no more than once. */
function takeItems(list: PickleValue | undefined, what: string): PickleValue[] {
  if (list === undefined) return [];
  if (isNode(list) && list.kind === 'list') return list.items.splice(0);
  throw malformed('bad-call', `${what} is made of ${kindOf(list)}`);
}

function itemsOf(value: PickleValue): Arguments {
  if (isNode(value) && (value.kind === 'list' || value.kind === 'tuple')) return value.items;
  throw malformed('bad-call', `expected a pair, found ${kindOf(value)}`);
}

/** Errors: CorruptError 'bad-call'. */
export function asTuple(value: PickleValue | undefined, what: string): TupleNode {
  if (value !== undefined && isNode(value) && value.kind === 'tuple') return value;
  throw malformed('bad-call', `${what} is given ${kindOf(value ?? null)} where a tuple belongs`);
}

/** A dict's key. Errors: CorruptError 'bad-key' for what Python cannot hash. */
export function asKey(value: PickleValue): PickleValue {
  const unhashable =
    isNode(value) && (value.kind === 'list' || value.kind === 'dict' || value.kind === 'set');
  if (unhashable) throw malformed('bad-key', `a ${value.kind} is used as a key`);
  return value;
}

function count(value: PickleValue | undefined, what: string): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw malformed('bad-shape', `${what} is ${quoted(typeof value === 'object' ? kindOf(value) : value)}`);
}

function counts(value: PickleValue | undefined, what: string): readonly number[] {
  const { items } = asTuple(value, what);
  // Checked before the copy: one long tuple may be recalled for every tensor.
  if (items.length > DIMENSIONS_MAX) throw malformed('bad-shape', `${what} has ${items.length} dimensions`);
  return items.map((item) => count(item, what));
}
