/** float32 seen as its bits, for conversions. One pair per converter: no shared state between callers. */
interface Bits {
  readonly float: Float32Array;
  readonly word: Uint32Array;
}

function newBits(): Bits {
  const float = new Float32Array(1);
  return { float, word: new Uint32Array(float.buffer) };
}

const QUIET_NAN_16 = 0x7e00;
const INFINITY_16 = 0x7c00;
/** 2^16 and 2^-14 as float32: beyond all float16, and the smallest float16 with a full fraction. */
const BEYOND_32 = 0x47800000;
const NORMAL_32 = 0x38800000;
const INFINITY_32 = 0x7f800000;
/** From float32's exponent to float16's, and just less than half of the last kept bit. */
const REBIAS = 0xc8000fff;
/** 65504, the largest float16, as float32. */
const LAST_32 = 0x477fe000;
/** Those of float32's bits that float16 keeps. */
const KEPT_BITS = 0xffffe000;
/** One half as float32: its last bit is float16's smallest step. */
const HALF_32 = 0x3f000000;

/** Value of a float16 given by its bits. */
export function decodeFloat16(half: number): number {
  const sign = (half & 0x8000) === 0 ? 1 : -1;
  const exponent = (half >> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** Conversions between 16-bit floats and numbers, for whole pieces. */
export interface HalfCodec {
  decode(from: Uint16Array, to: Float64Array): void;
  encode(from: Float64Array, to: Uint16Array): void;
  /** Round a float32 value to the type. */
  round(value: number): number;
}

/** IEEE 754 binary16. Decoding is by a table, made once per codec; encoding is by float32's bits, ties to even. */
export function float16Codec(): HalfCodec {
  const table = Float64Array.from({ length: 65536 }, (_, half) => decodeFloat16(half));
  const { float, word } = newBits();
  const encodeOne = (value: number): number => {
    float[0] = value;
    const bits = word[0] ?? 0;
    const sign = (bits >>> 16) & 0x8000;
    const magnitude = bits & 0x7fffffff;
    if (magnitude >= BEYOND_32) return magnitude > INFINITY_32 ? QUIET_NAN_16 : sign | INFINITY_16;
    if (magnitude < NORMAL_32) {
      // The addition itself rounds to float16's smallest step.
      float[0] = Math.abs(value) + 0.5;
      return sign | ((word[0] ?? 0) - HALF_32);
    }
    // What rounds up carries into the exponent, and from 65520 on into infinity.
    return sign | (((magnitude + REBIAS + ((magnitude >>> 13) & 1)) >>> 13) & 0x7fff);
  };
  const roundOne = (value: number): number => {
    float[0] = value;
    const bits = word[0] ?? 0;
    const magnitude = bits & 0x7fffffff;
    if (magnitude < NORMAL_32 || magnitude >= LAST_32) return table[encodeOne(value)] ?? 0;
    word[0] = (bits + 0xfff + ((bits >>> 13) & 1)) & KEPT_BITS;
    return float[0];
  };
  return {
    decode(from, to) {
      for (let index = 0; index < from.length; index += 1) to[index] = table[from[index] ?? 0] ?? 0;
    },
    encode(from, to) {
      for (let index = 0; index < from.length; index += 1) to[index] = encodeOne(from[index] ?? 0);
    },
    round: roundOne,
  };
}

/** Google's bfloat16: the upper half of a float32. */
export function bfloat16Codec(): HalfCodec {
  const { float, word } = newBits();
  const encodeOne = (value: number): number => {
    float[0] = value;
    const bits = word[0] ?? 0;
    if (Number.isNaN(value)) return ((bits >>> 16) & 0x8000) | 0x7fc0;
    // Ties to even, by carrying into the kept half.
    return ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16) & 0xffff;
  };
  const decodeOne = (half: number): number => {
    word[0] = half << 16;
    return float[0] ?? 0;
  };
  return {
    decode(from, to) {
      for (let index = 0; index < from.length; index += 1) to[index] = decodeOne(from[index] ?? 0);
    },
    encode(from, to) {
      for (let index = 0; index < from.length; index += 1) to[index] = encodeOne(from[index] ?? 0);
    },
    round: (value) => decodeOne(encodeOne(value)),
  };
}
