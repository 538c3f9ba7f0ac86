import { randomInt } from 'node:crypto';

/** Randomness as a parameter: the system's in the programs, seeded in tests and in training. */
export interface Random {
  /** A number in [0, 1). */
  next(): number;
}

const UINT32 = 2 ** 32;

/** Randomness of the operating system. */
export function systemRandom(): Random {
  return { next: () => randomInt(UINT32) / UINT32 };
}

/**
 * A reproducible sequence from a seed.
 *
 * Units: `seed` is taken as an unsigned 32-bit integer.
 * Guarantees: the same seed gives the same sequence on every platform.
 * Source: mulberry32, T. Ettinger 2017 (public domain).
 */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return {
    next() {
      state = (state + 0x6d2b79f5) >>> 0;
      let mixed = Math.imul(state ^ (state >>> 15), state | 1);
      mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
      return ((mixed ^ (mixed >>> 14)) >>> 0) / UINT32;
    },
  };
}

/** An integer in [0, bound). Units: `bound` >= 1. */
export function randomBelow(random: Random, bound: number): number {
  return Math.floor(random.next() * bound);
}

/** Lower-case letters and digits, for names that must not collide. */
export function randomName(random: Random, length: number): string {
  const alphabet = 'abcdefghijklmnopqrstuvwxyz0123456789';
  return Array.from({ length }, () => alphabet.charAt(randomBelow(random, alphabet.length))).join('');
}

/** A permutation of 0..count-1 (Fisher and Yates). */
export function shuffledIndices(random: Random, count: number): Uint32Array {
  const indices = Uint32Array.from({ length: count }, (_, index) => index);
  for (let last = count - 1; last > 0; last -= 1) {
    const other = randomBelow(random, last + 1);
    const kept = indices[last] ?? 0;
    indices[last] = indices[other] ?? 0;
    indices[other] = kept;
  }
  return indices;
}
