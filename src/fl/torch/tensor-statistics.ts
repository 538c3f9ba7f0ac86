import { int64View, numberCodec, partDtype } from '../tensor/number-codec.ts';
import type { Dtype } from '../tensor/tensor.ts';

/** A tensor's values in a few numbers. Of complex tensors, their parts count. */
export interface TensorStatistics {
  /** Null where no value is finite. */
  readonly min: number | null;
  readonly max: number | null;
  /** Of the finite values. */
  readonly mean: number | null;
  readonly nans: number;
  readonly infinities: number;
}

/** Numbers of a piece of contiguous bytes. Guarantees: the bytes may start anywhere. */
export function numbersOf(dtype: Dtype, bytes: Uint8Array): Float64Array {
  const own = bytes.byteOffset % 16 === 0 ? bytes : Uint8Array.from(bytes);
  const part = partDtype(dtype);
  if (part === 'int64') return Float64Array.from(int64View(own), Number);
  const itemBytes = {
    float64: 8,
    float32: 4,
    int32: 4,
    float16: 2,
    bfloat16: 2,
    int16: 2,
    int8: 1,
    uint8: 1,
    bool: 1,
  };
  const values = new Float64Array(own.length / itemBytes[part]);
  numberCodec(part).decode(own, values);
  return values;
}

/** Look at every value once. */
export function statisticsOf(dtype: Dtype, bytes: Uint8Array): TensorStatistics {
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  let sum = 0;
  let finite = 0;
  let nans = 0;
  let infinities = 0;
  for (const value of numbersOf(dtype, bytes)) {
    if (Number.isNaN(value)) nans += 1;
    else if (!Number.isFinite(value)) infinities += 1;
    else {
      min = Math.min(min, value);
      max = Math.max(max, value);
      sum += value;
      finite += 1;
    }
  }
  const has = finite > 0;
  return { min: has ? min : null, max: has ? max : null, mean: has ? sum / finite : null, nans, infinities };
}

/** The largest absolute difference of two tensors of one type and shape; NaN where only one is not a number. */
export function largestDifference(dtype: Dtype, a: Uint8Array, b: Uint8Array): number {
  const left = numbersOf(dtype, a);
  const right = numbersOf(dtype, b);
  let largest = 0;
  for (const [index, value] of left.entries()) {
    const other = right[index] ?? 0;
    if (Object.is(value, other) || value === other) continue;
    largest = Math.max(largest, Math.abs(value - other));
    if (Number.isNaN(largest)) return largest;
  }
  return largest;
}
