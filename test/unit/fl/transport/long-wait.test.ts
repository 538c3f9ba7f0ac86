import { expect, it } from 'vitest';
import { LongWaits } from '../../../../src/fl/transport/long-wait.ts';

const MINUTE_MS = 60_000;

it('tells a wait after ten minutes, and then each time it has become twice as long', () => {
  const waits = new LongWaits();
  const told: number[] = [];
  for (let minute = 0; minute <= 100; minute += 1) {
    const wait = waits.heed('aggregate', 'round 1 is delivered', minute * MINUTE_MS);
    if (wait !== undefined) told.push(wait.minutes);
  }
  expect(told).toEqual([10, 20, 40, 80]);
});

it('begins anew with whatever else is awaited, and after work', () => {
  const waits = new LongWaits();
  expect(waits.heed('aggregate', 'round 1', 0)).toBeUndefined();
  expect(waits.heed('aggregate', 'round 2', 9 * MINUTE_MS)).toBeUndefined();
  expect(waits.heed('aggregate', 'round 2', 18 * MINUTE_MS)).toBeUndefined();
  expect(waits.heed('aggregate', 'round 2', 19 * MINUTE_MS)?.advice).toContain('the server may not run');
  waits.over();
  expect(waits.heed('aggregate', 'round 2', 30 * MINUTE_MS)).toBeUndefined();
});

it('a machine that slept tells once, and what is no affair of the server’s is not told', () => {
  const waits = new LongWaits();
  waits.heed('admission', 'asked', 0);
  expect(waits.heed('admission', 'asked', 500 * MINUTE_MS)?.minutes).toBe(500);
  expect(waits.heed('admission', 'asked', 600 * MINUTE_MS)).toBeUndefined();
  waits.heed('disk', 'full', 0);
  expect(waits.heed('disk', 'full', 500 * MINUTE_MS)).toBeUndefined();
});
