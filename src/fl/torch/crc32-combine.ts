/** The checksum's polynomial, bits reversed, as every zip tool uses it. */
const POLYNOMIAL = 0xedb88320;
const ALL_ONES = 0xffffffff;

/** The product of a 32 by 32 bit matrix and a vector, modulo 2. */
function times(matrix: Uint32Array, vector: number): number {
  let sum = 0;
  for (let row = 0, rest = vector; rest !== 0; row += 1, rest >>>= 1)
    if ((rest & 1) !== 0) sum ^= matrix[row] ?? 0;
  return sum >>> 0;
}

function squared(matrix: Uint32Array): Uint32Array {
  return matrix.map((row) => times(matrix, row));
}

/** Place k: what appending 2^k zero bytes does; made when it is first wanted, at most 53 of them. */
const APPENDED: Uint32Array[] = [];

function appended(power: number): Uint32Array {
  const known = APPENDED[power];
  if (known !== undefined) return known;
  let matrix: Uint32Array;
  if (power === 0) {
    // Appending one zero bit: shift right, and fold the bit that falls out back in.
    matrix = Uint32Array.from({ length: 32 }, (_, row) => (row === 0 ? POLYNOMIAL : 2 ** (row - 1)));
    for (let doubling = 0; doubling < 3; doubling += 1) matrix = squared(matrix);
  } else matrix = squared(appended(power - 1));
  APPENDED[power] = matrix;
  return matrix;
}

/**
 * The CRC-32 of two pieces, one after the other, from the checksums of each.
 *
 * Units: `secondBytes` is the length of the second piece in bytes.
 * Guarantees: the data is not needed; as many steps as the length has ones in binary.
 * Source: appending a zero bit is linear over GF(2), so appending n of them is a matrix power (M. Adler's method).
 */
export function combineCrc32(first: number, second: number, secondBytes: number): number {
  if (secondBytes === 0) return first;
  let sum = first;
  for (let rest = secondBytes, power = 0; rest > 0; rest = Math.floor(rest / 2), power += 1)
    if (rest % 2 === 1) sum = times(appended(power), sum);
  return (sum ^ second) >>> 0;
}

/**
 * The CRC-32 of `bytes` zero bytes.
 *
 * Source: the checksum starts from all ones and is inverted at the end; zeros only move what it started from.
 */
export function crc32OfZeros(bytes: number): number {
  return bytes === 0 ? 0 : combineCrc32(ALL_ONES, ALL_ONES, bytes);
}

/**
 * What a CRC-32 is of the data alone, without the ones that it starts and ends with.
 *
 * Guarantees: linear over GF(2): the sum of several, moved by what follows them, is that of the sum of the data.
 */
export function linearCrc32(checksum: number, bytes: number): number {
  return (checksum ^ crc32OfZeros(bytes)) >>> 0;
}

/** A linear checksum after `bytes` zero bytes more. */
export function movedCrc32(linear: number, bytes: number): number {
  return combineCrc32(linear, 0, bytes);
}
