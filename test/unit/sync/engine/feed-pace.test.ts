import { expect, it } from 'vitest';
import type { Clock } from '../../../../src/clock.ts';
import { FeedPace } from '../../../../src/sync/engine/feed-pace.ts';

function paceAt(): { readonly pace: FeedPace; readonly pass: (ms: number) => void } {
  let now = 0;
  const clock: Clock = { now: () => now, monotonic: () => now, after: () => ({ cancel() {} }) };
  const pass = (ms: number) => {
    now += ms;
  };
  return { pace: new FeedPace(clock, 60_000), pass };
}

/** Readings in `ms` when wake-ups never cease. */
function readings(pace: FeedPace, pass: (ms: number) => void, ms: number): number {
  let count = 0;
  for (let spent = 0; spent < ms; count += 1) {
    const waitMs = pace.waitMs();
    pass(waitMs + 1);
    spent += waitMs + 1;
    pace.read();
  }
  return count;
}

it('reads at once after something of interest, and rarer while the readings bring nothing', () => {
  const { pace, pass } = paceAt();
  expect(pace.waitMs()).toBe(0);
  expect(readings(pace, pass, 12_000)).toBeLessThanOrEqual(11);
  pace.interest();
  pace.read();
  expect(pace.waitMs()).toBeLessThanOrEqual(400);
});

it('goes on reading seldom after a long quiet time', () => {
  const { pace, pass } = paceAt();
  pass(600_000);
  pace.read();
  expect(pace.waitMs()).toBe(60_000);
});
