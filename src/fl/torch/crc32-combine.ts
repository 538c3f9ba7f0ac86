/** The checksum's polynomial, bits reversed, as every zip tool uses it. */
const POLYNOMIAL = 0xedb88320;

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

/**
 * The CRC-32 of two pieces, one after the other, from the checksums of each.
 *
 * Units: `secondBytes` is the length of the second piece in bytes.
 * Guarantees: the data is not needed; about 40 steps for any length.
 * Source: appending a zero bit is linear over GF(2), so appending n of them is a matrix power (M. Adler's method).
 */
export function combineCrc32(first: number, second: number, secondBytes: number): number {
  if (secondBytes === 0) return first;
  // Appending one zero bit: shift right, and fold the bit that falls out back in.
  let power: Uint32Array = Uint32Array.from({ length: 32 }, (_, row) =>
    row === 0 ? POLYNOMIAL : 2 ** (row - 1),
  );
  for (let doubling = 0; doubling < 3; doubling += 1) power = squared(power);
  let sum = first;
  for (let rest = secondBytes; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) sum = times(power, sum);
    power = squared(power);
  }
  return (sum ^ second) >>> 0;
}
