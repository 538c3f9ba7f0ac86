import { expect, it } from 'vitest';
import { decodeFloat16, float16Codec } from '../../../../src/fl/tensor/half-floats.ts';
import { seededRandom } from '../../../../src/random.ts';

/** Every float16 from zero to the largest, and where infinity would stand. */
const STEPS = [...Array.from({ length: 0x7c00 }, (_, half) => decodeFloat16(half)), 65_536];

/** By definition: the nearest of all, of two equally near the even one. */
function nearest(value: number): number {
  const magnitude = Math.abs(value);
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  let [low, high] = [0, STEPS.length - 1];
  if (magnitude >= 65_536) return sign | 0x7c00;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((STEPS[middle] ?? 0) <= magnitude) low = middle;
    else high = middle;
  }
  const [below, above] = [magnitude - (STEPS[low] ?? 0), (STEPS[high] ?? 0) - magnitude];
  return sign | (below < above || (below === above && low % 2 === 0) ? low : high);
}

function encoded(value: number): number {
  const to = new Uint16Array(1);
  float16Codec16.encode(Float64Array.of(value), to);
  return to[0] ?? 0;
}
const float16Codec16 = float16Codec();

it('encodes to the nearest float16, between and beside all of them', () => {
  const wrong: number[] = [];
  for (let half = 0; half < 0x7c00; half += 1) {
    const [here = 0, next = 0] = [STEPS[half], STEPS[half + 1]];
    const tie = (here + next) / 2;
    for (const value of [here, tie, Math.fround(tie * (1 - 2 ** -20)), Math.fround(tie * (1 + 2 ** -20))])
      for (const signed of [value, -value]) if (encoded(signed) !== nearest(signed)) wrong.push(signed);
  }
  expect(wrong).toEqual([]);
});

it('encodes any float32 as by definition, and rounds to what it encodes', () => {
  const random = seededRandom(16);
  const word = new Uint32Array(1);
  const float = new Float32Array(word.buffer);
  for (let index = 0; index < 50_000; index += 1) {
    word[0] = Math.floor(random.next() * 2 ** 32);
    const value = float[0] ?? 0;
    if (Number.isNaN(value)) {
      expect(encoded(value)).toBe(0x7e00);
      continue;
    }
    if (encoded(value) !== nearest(value))
      throw new Error(`${value}: ${encoded(value)}, not ${nearest(value)}`);
    expect(Object.is(float16Codec16.round(value), decodeFloat16(encoded(value)))).toBe(true);
  }
});
