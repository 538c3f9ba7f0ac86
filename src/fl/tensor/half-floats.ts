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

/** Value of a float16 given by its bits. */
export function decodeFloat16(half: number): number {
  const sign = (half & 0x8000) === 0 ? 1 : -1;
  const exponent = (half >> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** Bits of the float16 nearest to a float32 value, ties to even. */
export function encodeFloat16(value: number): number {
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const magnitude = Math.abs(value);
  if (Number.isNaN(value)) return QUIET_NAN_16;
  // 65520 is half-way between the largest float16 and the next power of two.
  if (magnitude >= 65520) return sign | INFINITY_16;
  if (magnitude < 2 ** -14) return sign | roundEven(magnitude * 2 ** 24);
  const exponent = Math.floor(Math.log2(magnitude));
  // log2 may land one too high or low next to a power of two.
  const scaled = magnitude * 2 ** -exponent;
  const shift = scaled >= 2 ? 1 : scaled < 1 ? -1 : 0;
  const power = exponent + shift;
  const fraction = roundEven(magnitude * 2 ** (10 - power));
  // A fraction that rounds up to 2048 carries into the exponent by the addition itself.
  return sign | (((power + 15) << 10) + (fraction - 1024));
}

/** Round to the nearest integer, ties to even. Units: 0 <= value < 2^52. */
function roundEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest < 0.5) return floor;
  if (rest > 0.5) return floor + 1;
  return floor % 2 === 0 ? floor : floor + 1;
}

/** Conversions between 16-bit floats and numbers, for whole pieces. */
export interface HalfCodec {
  decode(from: Uint16Array, to: Float64Array): void;
  encode(from: Float64Array, to: Uint16Array): void;
  /** Round a float32 value to the type. */
  round(value: number): number;
}

/** IEEE 754 binary16. Decoding is by a table, made once per codec. */
export function float16Codec(): HalfCodec {
  const table = Float64Array.from({ length: 65536 }, (_, half) => decodeFloat16(half));
  return {
    decode(from, to) {
      for (let index = 0; index < from.length; index += 1) to[index] = table[from[index] ?? 0] ?? 0;
    },
    encode(from, to) {
      for (let index = 0; index < from.length; index += 1) to[index] = encodeFloat16(from[index] ?? 0);
    },
    round: (value) => table[encodeFloat16(value)] ?? 0,
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
