import { bfloat16Codec, float16Codec } from './half-floats.ts';
import type { Dtype } from './tensor.ts';

/** Element types whose every value is a JavaScript number. int64 is not among them; complex ones are pairs of floats. */
export type NumberDtype = Exclude<Dtype, 'int64' | 'complex64' | 'complex128'>;

/** Reads pieces of one element type as numbers and writes them back. */
export interface NumberCodec {
  readonly isFloat: boolean;
  decode(from: Uint8Array, to: Float64Array): void;
  /** Numbers must be in the type's range; floats are rounded to nearest. */
  encode(from: Float64Array, to: Uint8Array): void;
  /** The result of one PyTorch operation in this type, from the exact or double result. */
  round(value: number): number;
  /** Smallest and largest value of an integer type; infinite for floats. */
  readonly min: number;
  readonly max: number;
}

type Numbers = Float64Array | Float32Array | Int32Array | Int16Array | Int8Array | Uint8Array;

interface PlainOptions {
  readonly view: (bytes: Uint8Array) => Numbers;
  readonly round?: (value: number) => number;
  readonly range?: readonly [number, number];
}

function plain({ view, round, range }: PlainOptions): NumberCodec {
  return {
    isFloat: range === undefined,
    decode: (from, to) => to.set(view(from)),
    encode: (from, to) => view(to).set(from),
    round: round ?? ((value) => value),
    min: range?.[0] ?? Number.NEGATIVE_INFINITY,
    max: range?.[1] ?? Number.POSITIVE_INFINITY,
  };
}

function half(codec: ReturnType<typeof float16Codec>): NumberCodec {
  const view = (bytes: Uint8Array) => new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 2);
  return {
    isFloat: true,
    decode: (from, to) => codec.decode(view(from), to),
    encode: (from, to) => codec.encode(from, view(to)),
    // PyTorch computes in float32 and then rounds: two roundings, as here.
    round: (value) => codec.round(Math.fround(value)),
    min: Number.NEGATIVE_INFINITY,
    max: Number.POSITIVE_INFINITY,
  };
}

/** Pieces must start at a multiple of their element size. */
export function numberCodec(dtype: NumberDtype): NumberCodec {
  switch (dtype) {
    case 'float64':
      return plain({ view: (b) => new Float64Array(b.buffer, b.byteOffset, b.byteLength / 8) });
    case 'float32':
      return plain({
        view: (b) => new Float32Array(b.buffer, b.byteOffset, b.byteLength / 4),
        round: Math.fround,
      });
    case 'float16':
      return half(float16Codec());
    case 'bfloat16':
      return half(bfloat16Codec());
    case 'int32':
      return plain({
        view: (b) => new Int32Array(b.buffer, b.byteOffset, b.byteLength / 4),
        range: [-(2 ** 31), 2 ** 31 - 1],
      });
    case 'int16':
      return plain({
        view: (b) => new Int16Array(b.buffer, b.byteOffset, b.byteLength / 2),
        range: [-(2 ** 15), 2 ** 15 - 1],
      });
    case 'int8':
      return plain({
        view: (b) => new Int8Array(b.buffer, b.byteOffset, b.byteLength),
        range: [-128, 127],
      });
    case 'uint8':
      return plain({ view: (b) => b, range: [0, 255] });
    case 'bool':
      return plain({ view: (b) => b, range: [0, 1] });
  }
}

/** int64 elements of a piece. */
export function int64View(bytes: Uint8Array): BigInt64Array {
  return new BigInt64Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 8);
}

/** The type of an element's parts: a complex number is two floats side by side. */
export function partDtype(dtype: Dtype): NumberDtype | 'int64' {
  if (dtype === 'complex64') return 'float32';
  if (dtype === 'complex128') return 'float64';
  return dtype;
}

/** True for types that hold fractions. */
export function isFloating(dtype: Dtype): boolean {
  return partDtype(dtype).includes('float');
}
