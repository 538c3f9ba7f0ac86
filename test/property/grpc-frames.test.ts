import { expect, it } from 'vitest';
import { seededRandom } from '../../src/random.ts';
import { name, run } from '../fuzz/grpc-frames.ts';

const BUDGET_MS = 3_000;
/** However busy the machine is. */
const SEEDS_LEAST = 60;

it('whatever a peer sends, frames, uploads and notes stay within their bounds', () => {
  const endMs = performance.now() + BUDGET_MS;
  let seed = 1;
  for (; seed <= SEEDS_LEAST || performance.now() < endMs; seed += 1) {
    try {
      run(seededRandom(seed));
    } catch (cause) {
      throw new Error(`${name} fails with seed ${seed}`, { cause });
    }
  }
  expect(seed).toBeGreaterThan(SEEDS_LEAST);
});
