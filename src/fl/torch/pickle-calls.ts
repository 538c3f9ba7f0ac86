import { isKnownAttribute } from './known-names.ts';
import { malformed, quoted } from './malformed.ts';
import type { PickleFactory } from './pickle-factory.ts';
import {
  type DictNode,
  isNode,
  kindOf,
  kindWords,
  type OpaqueNode,
  type PickleValue,
  type SetNode,
  type StorageNode,
  type TensorNode,
  type TupleNode,
} from './pickle-value.ts';
import { dtypeOfGlobal, dtypeOfStorage } from './storage-classes.ts';

/** PyTorch itself handles no more dimensions. */
const DIMENSIONS_MAX = 64;
/** Longest attribute whose name is kept. Units: UTF-16 code units. */
const ATTRIBUTE_MAX = 256;

type Arguments = readonly PickleValue[];
type Make = (factory: PickleFactory, args: Arguments, name: string) => PickleValue;

/** A call that is understood: how many arguments Python's function takes, and what it gives. */
interface Call {
  readonly argumentsMin: number;
  readonly argumentsMax: number;
  readonly make: Make;
  /**
   * Most arguments of NEWOBJ, which skips `__init__`: what that would do with them, Python does not. Undefined for
   * functions, which NEWOBJ cannot take.
   */
  readonly newArgumentsMax?: number;
}

/** The calls that are understood; every other name stays an inert object. */
const CALLS: ReadonlyMap<string, Call> = new Map<string, Call>([
  ['collections.OrderedDict', { argumentsMin: 0, argumentsMax: 1, make: orderedDict, newArgumentsMax: 0 }],
  ['torch.Size', { argumentsMin: 1, argumentsMax: 1, make: size, newArgumentsMax: 1 }],
  ['torch._utils._rebuild_tensor', { argumentsMin: 4, argumentsMax: 4, make: rebuildTensor }],
  ['torch._utils._rebuild_tensor_v2', { argumentsMin: 6, argumentsMax: 7, make: rebuildTensor }],
  ['torch._utils._rebuild_tensor_v3', { argumentsMin: 7, argumentsMax: 8, make: rebuildTensorOfDtype }],
  ['torch._utils._rebuild_parameter', { argumentsMin: 3, argumentsMax: 3, make: rebuildParameter }],
  [
    'torch._utils._rebuild_parameter_with_state',
    { argumentsMin: 4, argumentsMax: 4, make: rebuildParameter },
  ],
  [
    'torch.nn.parameter.Parameter',
    { argumentsMin: 1, argumentsMax: 2, make: rebuildParameter, newArgumentsMax: 2 },
  ],
  ['_codecs.encode', { argumentsMin: 2, argumentsMax: 2, make: encode }],
  ['builtins.set', { argumentsMin: 0, argumentsMax: 1, make: setOf, newArgumentsMax: 0 }],
  ['builtins.bytearray', { argumentsMin: 0, argumentsMax: 3, make: byteArray, newArgumentsMax: 0 }],
  ['builtins.complex', { argumentsMin: 0, argumentsMax: 2, make: complexNumber, newArgumentsMax: 2 }],
]);

/**
 * What REDUCE gives: a value for the few names that describe tensors, an inert object for all others.
 *
 * Guarantees: nothing is looked up, imported or run; the arguments of an inert object are dropped.
 * Errors: CorruptError 'bad-call' for wrong arguments.
 */
export function callGlobal(factory: PickleFactory, name: string, args: PickleValue): PickleValue {
  if (name === 'builtins.getattr') return takeAttribute(factory, args);
  const call = CALLS.get(name);
  if (call === undefined) return factory.opaque(name);
  const { items } = asTuple(args, name);
  if (items.length < call.argumentsMin || items.length > call.argumentsMax)
    throw malformed('bad-call', `${name} is given ${items.length} arguments`);
  return call.make(factory, items, name);
}

/**
 * What NEWOBJ gives: an object whose `__init__` never saw the arguments.
 *
 * Errors: CorruptError 'bad-call' where Python would make something else of them than a call does.
 */
export function newObject(factory: PickleFactory, name: string, args: PickleValue): PickleValue {
  const call = CALLS.get(name);
  if (call !== undefined || name === 'builtins.getattr') {
    const given = asTuple(args, name).items.length;
    if (given > (call?.newArgumentsMax ?? -1))
      throw malformed(
        'bad-call',
        `an object of ${name} is made of ${given} arguments that it never looks at`,
      );
  }
  return callGlobal(factory, name, args);
}

/** What NEWOBJ_EX gives, which names arguments: only foreign classes take such. Errors: CorruptError 'bad-call'. */
export function newObjectWithKeywords(factory: PickleFactory, name: string): PickleValue {
  if (CALLS.has(name)) throw malformed('bad-call', `an object of ${name} is made of named arguments`);
  return factory.opaque(name);
}

/** `getattr`, by name: an inert object, and foreign unless PyTorch's own schedulers do the same. */
function takeAttribute(factory: PickleFactory, args: PickleValue): OpaqueNode {
  const [target, attribute] = isNode(args) && args.kind === 'tuple' ? args.items : [];
  const owner = target === undefined ? 'nothing' : kindOf(target);
  const isShort = typeof attribute === 'string' && attribute.length <= ATTRIBUTE_MAX;
  const name = isShort ? factory.text(`${owner}.${attribute}`) : 'builtins.getattr';
  const isInstance = target !== undefined && isNode(target) && target.kind === 'opaque';
  if (!isInstance || !isKnownAttribute(name)) factory.addForeign('builtins.getattr');
  return factory.opaque(name);
}

/** Parse a persistent id: ('storage', class, key, location, numel[, view]). Errors: CorruptError 'bad-storage'. */
export function storageOf(factory: PickleFactory, id: PickleValue): StorageNode {
  const { items } = asTuple(id, 'a persistent id');
  const [kind, storageClass, key, , numel, view = null] = items;
  if (kind !== 'storage')
    throw malformed('bad-storage', `the checkpoint refers to ${quoted(kind)} objects outside the stream`);
  if (storageClass === undefined || !isNode(storageClass) || storageClass.kind !== 'global')
    throw malformed('bad-storage', 'a storage has no class');
  if (typeof key !== 'string' || !/^[0-9]{1,24}$/u.test(key))
    throw malformed('bad-storage', `a storage has the key ${quoted(key)}, not a number`);
  // No PyTorch since 0.4 writes a view of a storage, and readers differ in what they make of one.
  if (view !== null || items.length > 6)
    throw malformed('unsupported', `storage ${quoted(key)} is a view of another one`);
  return factory.storage({
    kind: 'storage',
    key,
    dtype: dtypeOfStorage(storageClass.name),
    className: storageClass.name,
    numel: count(numel, "a storage's length"),
  });
}

function rebuildTensor(factory: PickleFactory, args: Arguments, name: string): PickleValue {
  const [storage, offset, shape, stride, requiresGrad, , metadata] = args;
  if (!isEmpty(metadata)) return factory.opaque(name);
  return tensorOf(factory, { storage, offset, shape, stride, requiresGrad, dtype: undefined });
}

function rebuildTensorOfDtype(factory: PickleFactory, args: Arguments, name: string): PickleValue {
  const [storage, offset, shape, stride, requiresGrad, , dtype, metadata] = args;
  if (!isEmpty(metadata)) return factory.opaque(name);
  return tensorOf(factory, { storage, offset, shape, stride, requiresGrad, dtype });
}

/** Whether PyTorch's notes of a tensor (that it is negated or conjugated, say) leave its values as they are stored. */
function isEmpty(metadata: PickleValue | undefined): boolean {
  if (metadata === undefined || metadata === null) return true;
  return isNode(metadata) && metadata.kind === 'dict' && metadata.entries.size === 0;
}

interface TensorArguments {
  readonly storage: PickleValue | undefined;
  readonly offset: PickleValue | undefined;
  readonly shape: PickleValue | undefined;
  readonly stride: PickleValue | undefined;
  readonly requiresGrad: PickleValue | undefined;
  readonly dtype: PickleValue | undefined;
}

function tensorOf(factory: PickleFactory, args: TensorArguments): TensorNode {
  const { storage, dtype } = args;
  if (storage === undefined || !isNode(storage) || storage.kind !== 'storage')
    throw malformed('bad-call', 'a tensor has no storage');
  return factory.tensor({
    kind: 'tensor',
    storage,
    dtype: dtypeFor(storage, dtype),
    offset: count(args.offset, "a tensor's offset"),
    shape: counts(args.shape, "a tensor's size"),
    stride: counts(args.stride, "a tensor's stride"),
    requiresGrad: args.requiresGrad === true,
    parameter: false,
  });
}

function dtypeFor(storage: StorageNode, dtype: PickleValue | undefined): TensorNode['dtype'] {
  if (dtype === undefined) return storage.dtype === 'untyped' ? 'uint8' : storage.dtype;
  if (dtype === null || !isNode(dtype) || dtype.kind !== 'global')
    throw malformed('bad-call', 'a tensor has no element type');
  return dtypeOfGlobal(dtype.name);
}

function rebuildParameter(factory: PickleFactory, args: Arguments, name: string): PickleValue {
  const [tensor, requiresGrad, , state] = args;
  if (tensor === undefined || !isNode(tensor) || tensor.kind !== 'tensor')
    throw malformed('bad-call', 'a parameter has no tensor');
  // PyTorch sets whatever the state names on the parameter: its data, too.
  if (!isEmpty(state)) return factory.opaque(name);
  return factory.tensor({ ...tensor, parameter: true, requiresGrad: requiresGrad !== false });
}

function orderedDict(factory: PickleFactory, args: Arguments): DictNode {
  const dict = factory.dict(true);
  for (const pair of takeItems(args[0], 'an ordered dict')) {
    const [key, value, ...more] = itemsOf(pair);
    if (key === undefined || value === undefined || more.length > 0)
      throw malformed('bad-call', 'an ordered dict is given something else than pairs');
    factory.setEntry(dict, asKey(key), value);
  }
  return dict;
}

function size(_factory: PickleFactory, args: Arguments): TupleNode {
  return asTuple(args[0], 'torch.Size');
}

function setOf(factory: PickleFactory, args: Arguments): SetNode {
  return factory.set(takeItems(args[0], 'a set').map(asKey));
}

function byteArray(factory: PickleFactory, args: Arguments, name: string): PickleValue {
  const [content] = args;
  return content instanceof Uint8Array && args.length === 1 ? content : factory.opaque(name);
}

/** Bytes as protocol 2 spells them: text in Latin-1. */
function encode(factory: PickleFactory, args: Arguments): PickleValue {
  const [text, encoding] = args;
  if (typeof text !== 'string' || (encoding !== 'latin1' && encoding !== 'latin-1'))
    throw malformed('bad-call', '_codecs.encode is given something else than text in Latin-1');
  return factory.latin1(text);
}

function complexNumber(factory: PickleFactory, args: Arguments, name: string): PickleValue {
  const [real, imaginary] = args.map(numberOf);
  if (args.some((part) => numberOf(part) === undefined)) return factory.opaque(name);
  return factory.complex(real ?? 0, imaginary ?? 0);
}

function numberOf(value: PickleValue): number | undefined {
  if (typeof value === 'number') return value;
  return isNode(value) && value.kind === 'float' ? value.value : undefined;
}

/**
 * A list's items, for another container. Errors: CorruptError 'bad-call' the second time: no pickler makes two
 * containers of one list, and each time costs what the list is long.
 */
function takeItems(list: PickleValue | undefined, what: string): readonly PickleValue[] {
  if (list === undefined) return [];
  if (!isNode(list) || list.kind !== 'list')
    throw malformed('bad-call', `${what} is made of ${kindWords(list)}`);
  if (list.isTaken) throw malformed('bad-call', `${what} is made of a list that another one was made of`);
  list.isTaken = true;
  return list.items;
}

function itemsOf(value: PickleValue): Arguments {
  if (isNode(value) && (value.kind === 'list' || value.kind === 'tuple')) return value.items;
  throw malformed('bad-call', `expected a pair, found ${kindWords(value)}`);
}

/** Errors: CorruptError 'bad-call'. */
export function asTuple(value: PickleValue | undefined, what: string): TupleNode {
  if (value !== undefined && isNode(value) && value.kind === 'tuple') return value;
  throw malformed('bad-call', `${what} is given ${kindWords(value ?? null)} where a tuple belongs`);
}

/** A dict's key, or a set's item. Errors: CorruptError 'bad-key' for what Python cannot hash. */
export function asKey(value: PickleValue): PickleValue {
  const unhashable =
    isNode(value) && (value.kind === 'list' || value.kind === 'dict' || value.kind === 'set');
  if (unhashable) throw malformed('bad-key', `a ${value.kind} is used as a key`);
  return value;
}

function count(value: PickleValue | undefined, what: string): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw malformed('bad-shape', `${what} is ${isCountable(value) ? quoted(value) : kindWords(value ?? null)}`);
}

function isCountable(value: PickleValue | undefined): boolean {
  return typeof value === 'number' || typeof value === 'bigint';
}

function counts(value: PickleValue | undefined, what: string): readonly number[] {
  const tuple = asTuple(value, what);
  const { items } = tuple;
  if (items.length > DIMENSIONS_MAX) throw malformed('bad-shape', `${what} has ${items.length} dimensions`);
  // Shared: one long tuple may be recalled for every tensor.
  tuple.counts ??= items.map((item) => count(item, what));
  return tuple.counts;
}
