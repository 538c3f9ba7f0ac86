import { expect, it } from 'vitest';
import { seededRandom } from '../../../../src/random.ts';
import { BackOff } from '../../../../src/sync/engine/back-off.ts';
import { FeedPace } from '../../../../src/sync/engine/feed-pace.ts';

function clockAt() {
  let now = 0;
  return {
    pass: (ms: number) => {
      now += ms;
    },
    clock: { now: () => now, monotonic: () => now, after: () => ({ cancel() {} }) },
  };
}

it('a failed entry waits longer each time, and not at all once it changed', () => {
  const { clock, pass } = clockAt();
  const backOff = new BackOff(clock, seededRandom(1));
  backOff.failed('a', 'v1', 'no');
  expect(backOff.holds('a', 'v1')).toBe(true);
  expect(backOff.holds('b', 'v1')).toBe(false);
  const first = backOff.nextAtMs ?? 0;
  pass(first);
  expect(backOff.holds('a', 'v1')).toBe(false);
  backOff.failed('a', 'v1', 'no');
  expect((backOff.nextAtMs ?? 0) - first).toBeGreaterThan(first * 0.99);
  expect(backOff.holds('a', 'v2')).toBe(false);
});

it('an entry that nobody wants any more is forgotten', () => {
  const { clock } = clockAt();
  const backOff = new BackOff(clock, seededRandom(1));
  backOff.failed('a', 'v1', 'no');
  backOff.failed('b', 'v1', 'no');
  backOff.retain(new Set(['b']));
  expect(backOff.entries().map(({ key }) => key)).toEqual(['b']);
});

it('the feed is read at once at rest, together in a burst, and rarely while only hearts beat', () => {
  const { clock, pass } = clockAt();
  const pace = new FeedPace(clock, { gapMaxMs: 60_000, followsBeats: false });
  expect(pace.waitMs()).toBe(0);
  pace.read();
  expect(pace.waitMs()).toBeGreaterThan(0);
  pass(1000);
  expect(pace.waitMs()).toBe(0);
  let reads = 0;
  for (let second = 0; second < 3600; second += 20) {
    pass(20_000);
    if (pace.waitMs() > 0) continue;
    pace.read();
    reads += 1;
  }
  expect(reads).toBeLessThan(75);
  pace.interest();
  pass(1000);
  expect(pace.waitMs()).toBe(0);
});
