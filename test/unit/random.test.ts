import { expect, it } from 'vitest';
import { seededRandom, shuffledIndices } from '../../src/random.ts';

it('gives the same sequence for the same seed', () => {
  const first = seededRandom(7);
  const second = seededRandom(7);
  expect(Array.from({ length: 5 }, () => first.next())).toEqual(
    Array.from({ length: 5 }, () => second.next()),
  );
});

it('shuffles into a permutation', () => {
  const indices = shuffledIndices(seededRandom(3), 1000);
  expect([...indices].sort((a, b) => a - b)).toEqual(Array.from({ length: 1000 }, (_, index) => index));
  expect([...indices]).not.toEqual(Array.from({ length: 1000 }, (_, index) => index));
});
