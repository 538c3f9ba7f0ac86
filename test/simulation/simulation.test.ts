import { describe, expect, it } from 'vitest';
import { simulate } from './simulation.ts';

/** Where to begin, and how many; `npm run sim` runs more, and one seed with its whole trace. */
const FROM = Number(process.env['MILA_SIM_FROM'] ?? 1);
const SEEDS = Number(process.env['MILA_SIM_SEEDS'] ?? 80);
async function expectGood(seed: number): Promise<void> {
  const first = await simulate(seed);
  expect(first.faults, `replay: npm run sim -- --seed ${seed}`).toEqual([]);
  expect((await simulate(seed)).digest, `two runs of seed ${seed} differ`).toBe(first.digest);
}

describe('several engines, one Box, one clock', () => {
  it(`loses nothing, shows nothing half, agrees and rests: seeds ${FROM} to ${FROM + SEEDS - 1}`, async () => {
    for (let seed = FROM; seed < FROM + SEEDS; seed += 1) await expectGood(seed);
  }, 240_000);
});
