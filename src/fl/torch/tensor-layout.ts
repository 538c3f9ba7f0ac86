import { type Dtype, elementCount, ITEM_BYTES } from '../tensor/tensor.ts';
import { malformed, quoted } from './malformed.ts';
import type { StorageNode, TensorNode } from './pickle-value.ts';

/** A tensor's place inside its storage, checked. Units: elements of `dtype`. */
export interface TensorLayout {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly stride: readonly number[];
  readonly offset: number;
  /** Number of elements. */
  readonly count: number;
  /** Elements from the first to the last one used, both included; 0 when empty. */
  readonly span: number;
  readonly storage: StorageNode;
  readonly parameter: boolean;
  readonly requiresGrad: boolean;
}

/** Bytes that a storage's record must have. */
export function storageBytes(storage: StorageNode): number {
  if (storage.dtype === null)
    throw malformed('unsupported', `storages of class ${quoted(storage.className)} are not supported`);
  const bytes = storage.numel * (storage.dtype === 'untyped' ? 1 : ITEM_BYTES[storage.dtype]);
  if (!Number.isSafeInteger(bytes)) throw malformed('bad-storage', 'a storage is larger than any file');
  return bytes;
}

/**
 * Check a tensor against the storage that it claims to live in.
 *
 * Guarantees: every element lies inside the storage; counts are exact integers.
 * Errors: CorruptError 'bad-shape' | 'bad-storage' | 'unsupported'.
 */
export function layoutOf(node: TensorNode): TensorLayout {
  const { dtype, shape, stride, storage } = node;
  const bytes = storageBytes(storage);
  if (dtype === null) throw malformed('unsupported', "the tensor's element type is not supported");
  if (shape.length !== stride.length)
    throw malformed('bad-shape', `the tensor has ${shape.length} sizes and ${stride.length} strides`);
  const count = elementCount(shape);
  if (!Number.isSafeInteger(count * ITEM_BYTES[dtype]))
    throw malformed('bad-shape', 'the tensor has more elements than any machine holds', { shape });
  const span =
    count === 0 ? 0 : shape.reduce((last, size, index) => last + (size - 1) * (stride[index] ?? 0), 1);
  const { offset } = node;
  const end = (offset + span) * ITEM_BYTES[dtype];
  if (count > 0 && (!Number.isSafeInteger(end) || end > bytes))
    throw malformed('bad-shape', 'the tensor reaches beyond its storage', {
      shape,
      stride,
      offset,
      storageBytes: bytes,
    });
  const { parameter, requiresGrad } = node;
  return { dtype, shape, stride, offset, count, span, storage, parameter, requiresGrad };
}

/** Strides of a row-major, gapless tensor. */
export function contiguousStride(shape: readonly number[]): number[] {
  const stride = new Array<number>(shape.length).fill(1);
  for (let index = shape.length - 2; index >= 0; index -= 1)
    stride[index] = (stride[index + 1] ?? 1) * Math.max(1, shape[index + 1] ?? 1);
  return stride;
}

/** True when the elements stand row-major without gaps; strides of dimensions of size 1 do not matter. */
export function isContiguous(layout: Pick<TensorLayout, 'shape' | 'stride' | 'count'>): boolean {
  let expected = 1;
  if (layout.count === 0) return true;
  for (let index = layout.shape.length - 1; index >= 0; index -= 1) {
    const size = layout.shape[index] ?? 1;
    if (size === 1) continue;
    if (layout.stride[index] !== expected) return false;
    expected *= size;
  }
  return true;
}

/** True when one element of the storage stands for several of the tensor's, as `expand` makes it. */
export function repeatsElements({ count, span, shape, stride }: TensorLayout): boolean {
  if (count === 0) return false;
  return count > span || shape.some((size, axis) => size > 1 && stride[axis] === 0);
}

/** True when the elements fill their span, each once, in whatever order: a transposed tensor, say. */
export function isDense(layout: Pick<TensorLayout, 'count' | 'span' | 'shape' | 'stride'>): boolean {
  if (layout.count !== layout.span) return false;
  const dimensions = layout.shape
    .map((size, index) => ({ size, stride: layout.stride[index] ?? 0 }))
    .filter(({ size }) => size !== 1)
    .sort((a, b) => a.stride - b.stride);
  let expected = 1;
  for (const { size, stride } of dimensions) {
    if (stride !== expected) return false;
    expected *= size;
  }
  return true;
}
