import type { Dtype } from '../tensor/tensor.ts';
import { quoted } from './malformed.ts';

/** What a pickle stream can build here: plain data, and inert descriptions of everything else. */
export type PickleValue = null | boolean | number | bigint | string | Uint8Array | PickleNode;

export type PickleNode =
  | ListNode
  | TupleNode
  | DictNode
  | SetNode
  | FloatNode
  | ComplexNode
  | GlobalNode
  | StorageNode
  | TensorNode
  | OpaqueNode;

export interface ListNode {
  readonly kind: 'list';
  readonly items: PickleValue[];
  /** True once another container was made of it: no pickler does that twice. */
  isTaken: boolean;
}

export interface TupleNode {
  readonly kind: 'tuple';
  readonly items: readonly PickleValue[];
  /** Its items as sizes or strides, once they were checked: one tuple may be recalled for a million tensors. */
  counts: readonly number[] | null;
}

/** A dict or an OrderedDict. A Map keeps `__proto__`, 1 and "1" what they are. */
export interface DictNode {
  readonly kind: 'dict';
  readonly ordered: boolean;
  /** Changed by `PickleFactory.setEntry` only. */
  entries: Map<PickleValue, PickleValue>;
  /** What BUILD attached to an OrderedDict, such as `_metadata`. */
  attributes: DictNode | null;
}

export interface SetNode {
  readonly kind: 'set';
  readonly items: PickleValue[];
}

/** A Python float: 1.0 is no 1, and no size of a tensor. */
export interface FloatNode {
  readonly kind: 'float';
  readonly value: number;
}

export interface ComplexNode {
  readonly kind: 'complex';
  readonly real: number;
  readonly imaginary: number;
}

/** A name that the stream mentions. It is never looked up. */
export interface GlobalNode {
  readonly kind: 'global';
  readonly name: string;
}

/** A storage that the stream refers to by its key. */
export interface StorageNode {
  readonly kind: 'storage';
  readonly key: string;
  /** 'untyped' counts bytes; null is a storage class that is not supported, named by `className`. */
  readonly dtype: Dtype | 'untyped' | null;
  readonly className: string;
  /** Units: elements of `dtype`; bytes when untyped. */
  readonly numel: number;
}

/** A tensor as the stream describes it; nothing is checked against its storage yet. */
export interface TensorNode {
  readonly kind: 'tensor';
  readonly storage: StorageNode;
  readonly dtype: Dtype | null;
  /** Units of offset and stride: elements. */
  readonly offset: number;
  readonly shape: readonly number[];
  readonly stride: readonly number[];
  readonly requiresGrad: boolean;
  readonly parameter: boolean;
}

/** Stands for any object of foreign code: remembers the name, keeps nothing, does nothing. */
export interface OpaqueNode {
  readonly kind: 'opaque';
  readonly name: string;
}

/** True for the nodes, false for plain data. */
export function isNode(value: PickleValue): value is PickleNode {
  return typeof value === 'object' && value !== null && !(value instanceof Uint8Array);
}

/** The value's kind in one word; of an inert object, its name as it stands in the file. */
export function kindOf(value: PickleValue): string {
  if (value === null) return 'None';
  if (value instanceof Uint8Array) return 'bytes';
  if (!isNode(value)) return typeof value;
  return value.kind === 'opaque' || value.kind === 'global' ? value.name : value.kind;
}

/** The value's kind as it may stand in a message: a name from the file is quoted. */
export function kindWords(value: PickleValue): string {
  const isName = isNode(value) && (value.kind === 'opaque' || value.kind === 'global');
  return isName ? quoted(value.name) : kindOf(value);
}
