import { RoundError } from '../../errors.ts';
import { int64View, isFloating, type NumberCodec, numberCodec, partDtype } from '../tensor/number-codec.ts';
import { floorDivide } from '../tensor/scalar-math.ts';
import { type Dtype, elementCount, ITEM_BYTES } from '../tensor/tensor.ts';

/** A tensor's values for arithmetic: numbers, or BigInts for int64; complex ones as pairs. Row-major. */
export interface Values {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly data: Float64Array | BigInt64Array;
}

/** A weight as Python sees it: an int keeps integers integer, a float does not. */
export interface PythonNumber {
  readonly value: number;
  readonly isFloat: boolean;
}

function codecOf(dtype: Dtype): NumberCodec {
  const part = partDtype(dtype);
  return numberCodec(part === 'int64' ? 'float64' : part);
}

function isComplex(dtype: Dtype): boolean {
  return dtype === 'complex64' || dtype === 'complex128';
}

function unsupported(message: string): RoundError {
  return new RoundError({ code: 'torch-error', message: `PyTorch refuses this as well: ${message}` });
}

/** Read contiguous bytes as values. */
export function valuesOf(dtype: Dtype, shape: readonly number[], bytes: Uint8Array): Values {
  // A copy, as a piece of a larger buffer may not be aligned.
  const own = Uint8Array.from(bytes);
  if (partDtype(dtype) === 'int64') return { dtype, shape, data: int64View(own) };
  const data = new Float64Array(own.length / (ITEM_BYTES[dtype] / (isComplex(dtype) ? 2 : 1)));
  codecOf(dtype).decode(own, data);
  return { dtype, shape, data };
}

/** Write values as contiguous bytes. */
export function bytesOf({ dtype, data }: Values): Uint8Array {
  if (data instanceof BigInt64Array) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const bytes = new Uint8Array((data.length * ITEM_BYTES[dtype]) / (isComplex(dtype) ? 2 : 1));
  codecOf(dtype).encode(data, bytes);
  return bytes;
}

/** The type of `tensor * weight`. */
export function productDtype(dtype: Dtype, weight: PythonNumber): Dtype {
  if (isFloating(dtype)) return dtype;
  if (weight.isFloat) return 'float32';
  return dtype === 'bool' ? 'int64' : dtype;
}

/** `tensor * weight`, rounded as PyTorch 1.13 does: the weight first becomes a number of the result's type. */
export function product(values: Values, weight: PythonNumber): Values {
  const dtype = productDtype(values.dtype, weight);
  const { shape } = values;
  if (dtype === 'int64') {
    const factor = BigInt(weight.value);
    return { dtype, shape, data: integersOf(values).map((value) => value * factor) };
  }
  const codec = codecOf(dtype);
  const factor = isFloating(dtype) ? codec.round(weight.value) : weight.value;
  const data = Float64Array.from(values.data as ArrayLike<number | bigint>, (value) =>
    codec.round(codec.round(Number(value)) * factor),
  );
  return { dtype, shape, data: wrapped(dtype, data) };
}

function integersOf({ data }: Values): BigInt64Array {
  return data instanceof BigInt64Array ? data : BigInt64Array.from(data, BigInt);
}

/** Integers wrap around at their type's width. */
function wrapped(dtype: Dtype, data: Float64Array): Float64Array {
  if (isFloating(dtype) || dtype === 'bool') return data;
  const bytes = bytesOf({ dtype, shape: [data.length], data });
  codecOf(dtype).decode(bytes, data);
  return data;
}

/** How `target += value` is computed. Errors: RoundError 'torch-error' where PyTorch has no such conversion. */
function assertCastable(target: Dtype, value: Dtype): void {
  const rank = (dtype: Dtype) => (isComplex(dtype) ? 3 : isFloating(dtype) ? 2 : dtype === 'bool' ? 0 : 1);
  if (rank(value) > rank(target))
    throw unsupported(`result type ${value} can't be cast to the desired output type ${target}`);
}

/**
 * `target += value` in place, `value` broadcast to the target's shape.
 *
 * `places` tells where the target's elements stand in its data, when it is a view of a larger storage.
 * Errors: RoundError 'torch-error'.
 */
export function addInPlace(target: Values, value: Values, places?: Float64Array | Uint32Array): void {
  assertCastable(target.dtype, value.dtype);
  const sources = broadcastPlaces(value.shape, target.shape);
  const parts = isComplex(target.dtype) ? 2 : 1;
  if (parts === 2 && target.dtype !== value.dtype)
    throw unsupported('complex tensors of different types are added');
  const add = adder(target, value);
  const count = elementCount(target.shape);
  for (let index = 0; index < count; index += 1)
    for (let part = 0; part < parts; part += 1)
      add((places?.[index] ?? index) * parts + part, (sources?.[index] ?? index) * parts + part);
}

function adder(target: Values, value: Values): (place: number, source: number) => void {
  const { data } = target;
  if (data instanceof BigInt64Array)
    return (place, source) => {
      // A BigInt64Array wraps by itself.
      data[place] = (data[place] ?? 0n) + BigInt(value.data[source] ?? 0);
    };
  if (target.dtype === 'bool')
    return (place, source) => {
      data[place] = (data[place] ?? 0) !== 0 || Number(value.data[source] ?? 0) !== 0 ? 1 : 0;
    };
  const codec = codecOf(target.dtype);
  if (!isFloating(target.dtype)) {
    const cell = new Float64Array(1);
    return (place, source) => {
      cell[0] = (data[place] ?? 0) + Number(BigInt.asIntN(32, BigInt(value.data[source] ?? 0)));
      data[place] = wrapped(target.dtype, cell)[0] ?? 0;
    };
  }
  // A float of another width keeps its own precision until the sum is stored; an integer takes the target's first.
  const widen = isFloating(value.dtype) ? (x: number) => x : codec.round;
  return (place, source) => {
    data[place] = codec.round((data[place] ?? 0) + widen(Number(value.data[source] ?? 0)));
  };
}

/** Place in `from` of each element of `to`, row-major; undefined when the shapes are equal. */
function broadcastPlaces(from: readonly number[], to: readonly number[]): Uint32Array | undefined {
  if (from.length === to.length && from.every((size, axis) => size === to[axis])) return undefined;
  const offset = to.length - from.length;
  const fits = offset >= 0 && from.every((size, axis) => size === 1 || size === to[axis + offset]);
  if (!fits) throw unsupported(`shapes [${from.join(', ')}] and [${to.join(', ')}] do not fit together`);
  const strides = new Array<number>(to.length).fill(0);
  let step = 1;
  for (let axis = from.length - 1; axis >= 0; axis -= 1) {
    strides[axis + offset] = from[axis] === 1 ? 0 : step;
    step *= from[axis] ?? 1;
  }
  return viewPlaces(to, strides);
}

/** Place of each element of a strided view, row-major, from its first element. */
export function viewPlaces(shape: readonly number[], stride: readonly number[]): Uint32Array {
  const places = new Uint32Array(elementCount(shape));
  const index = new Array<number>(shape.length).fill(0);
  let place = 0;
  for (let done = 0; done < places.length; done += 1) {
    places[done] = place;
    for (let axis = shape.length - 1; axis >= 0; axis -= 1) {
      index[axis] = (index[axis] ?? 0) + 1;
      place += stride[axis] ?? 0;
      if ((index[axis] ?? 0) < (shape[axis] ?? 0)) break;
      place -= (shape[axis] ?? 0) * (stride[axis] ?? 0);
      index[axis] = 0;
    }
  }
  return places;
}

/** Type of `divided`. */
export function quotientDtype(dtype: Dtype): Dtype {
  return dtype === 'bool' ? 'int64' : dtype;
}

/** Floats: true division. Everything else: floor_divide. Errors: RoundError 'torch-error' for complex numbers. */
export function divided(values: Values, count: number): Values {
  const { dtype, shape, data } = values;
  if (isComplex(dtype)) throw unsupported('complex numbers are divided with floor');
  if (data instanceof BigInt64Array)
    return { dtype, shape, data: data.map((value) => floorDivide(value, BigInt(count))) };
  if (dtype === 'bool')
    return {
      dtype: 'int64',
      shape,
      data: BigInt64Array.from(data, (value) => BigInt(Math.floor(value / count))),
    };
  const codec = codecOf(dtype);
  if (!isFloating(dtype)) return { dtype, shape, data: data.map((value) => Math.floor(value / count)) };
  return { dtype, shape, data: data.map((value) => codec.round(value / count)) };
}
