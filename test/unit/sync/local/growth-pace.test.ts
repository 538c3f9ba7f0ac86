import { expect, it } from 'vitest';
import { GrowthPace } from '../../../../src/sync/local/growth-pace.ts';
import type { StatFacts } from '../../../../src/sync/local/stat-facts.ts';
import { FakeClock } from '../box/fake-clock.ts';

const facts = (sizeBytes: number, inode = '1:2:3'): StatFacts => ({
  kind: 'file',
  inode,
  links: 1,
  sizeBytes,
  modifiedAtMs: 0,
  changedAtMs: 0,
});

it('a file that grows again and again is put off for longer each time, up to a minute', async () => {
  const clock = new FakeClock();
  const pace = new GrowthPace(clock);
  const waits: number[] = [];
  for (let size = 1; size <= 14; size += 1) {
    const wait = Math.max(0, pace.dueMs('log', facts(size)) - clock.monotonic());
    waits.push(wait);
    await clock.advance(wait + 10);
    pace.taken('log', facts(size));
  }
  expect(waits.slice(0, 5)).toEqual([0, 0, 0, 0, 0]);
  expect(waits.at(-1)).toBe(60_000 - 0);
  expect(waits).toEqual([...waits].sort((a, b) => a - b));
});

it('a file that is replaced, shrinks, or rested for long is never put off', async () => {
  const clock = new FakeClock();
  const pace = new GrowthPace(clock);
  for (let size = 1; size <= 10; size += 1) {
    await clock.advance(1);
    pace.taken('log', facts(size));
  }
  expect(pace.dueMs('log', facts(11))).toBeGreaterThan(clock.monotonic());
  expect(pace.dueMs('log', facts(11, '1:9:9'))).toBe(0);
  expect(pace.dueMs('log', facts(5))).toBe(0);
  await clock.advance(10 * 60_000);
  pace.taken('log', facts(12));
  expect(pace.dueMs('log', facts(13))).toBeLessThanOrEqual(clock.monotonic());
});
