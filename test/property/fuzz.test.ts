import { expect, it } from 'vitest';
import { fuzz } from '../fuzz/fuzz.ts';
import { FUZZ_TARGETS } from '../fuzz/targets.ts';

/** For each target; `npm run fuzz -- --seconds N` goes on for longer. Units: milliseconds. */
const DURATION_MS = 1_500;

// Seeds that were not seen before, printed, so that a fault can be looked at again.
const seed = Date.now() % 2 ** 31;

for (const target of FUZZ_TARGETS)
  it(`${target.name} holds whatever it is given, from seed ${seed}`, async () => {
    const { inputs } = await fuzz(target, { seed, durationMs: DURATION_MS, inputsMin: 20 });
    expect(inputs).toBeGreaterThanOrEqual(20);
  });
