import { expect, it } from 'vitest';
import type { Clock } from '../../../../src/clock.ts';
import { remoteId } from '../../../../src/ids.ts';
import { type Attention, FeedPace } from '../../../../src/sync/engine/feed-pace.ts';
import type { RemoteEntry } from '../../../../src/sync/tree/entry.ts';
import { Tree } from '../../../../src/sync/tree/tree.ts';

const ROUND = remoteId('7');
const TREE = new Tree<typeof ROUND, RemoteEntry>();

function paceAt(
  followsBeats = false,
  more: Partial<Attention> = {},
): { readonly pace: FeedPace; readonly pass: (ms: number) => void } {
  let now = 0;
  const clock: Clock = { now: () => now, monotonic: () => now, after: () => ({ cancel() {} }) };
  const pass = (ms: number) => {
    now += ms;
  };
  return { pace: new FeedPace(clock, { gapMaxMs: 60_000, followsBeats, ...more }), pass };
}

/** The gaps between readings that follow each other as soon as they may. */
function gaps(pace: FeedPace, pass: (ms: number) => void, count: number): number[] {
  return Array.from({ length: count }, () => {
    pace.read();
    const waitMs = pace.waitMs();
    pass(waitMs);
    return waitMs;
  });
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

it('reads at an even gap for a while after a checkpoint went, until its answer comes', () => {
  const { pace, pass } = paceAt();
  pace.interest();
  expect(gaps(pace, pass, 4)).toEqual([400, 800, 1_600, 1_600]);
  pace.expectAnswer(ROUND);
  expect(gaps(pace, pass, 8)).toEqual([800, 800, 800, 800, 800, 1_600, 1_600, 1_600]);
  pace.expectAnswer(ROUND);
  pace.interest();
  expect(gaps(pace, pass, 2)).toEqual([400, 800]);
});

it('reads at once, a few times, while the answer to a checkpoint is near', () => {
  const asked: unknown[] = [];
  let isNear = false;
  const { pace, pass } = paceAt(false, {
    answerIsNear: (tree, folder) => {
      asked.push([tree, folder]);
      return isNear;
    },
  });
  pace.seen(TREE);
  expect(asked).toEqual([]);
  pace.expectAnswer(ROUND);
  pace.seen(TREE);
  expect(asked).toEqual([[TREE, ROUND]]);
  expect(gaps(pace, pass, 1)).toEqual([800]);
  isNear = true;
  pace.seen(TREE);
  // What comes along with the answer is no reason to read less.
  pace.interest();
  expect(gaps(pace, pass, 4)).toEqual([100, 100, 100, 1_600]);
  pace.expectAnswer(ROUND);
  pace.seen(TREE);
  pace.answered();
  expect(gaps(pace, pass, 2)).toEqual([400, 800]);
  pace.seen(TREE);
  expect(asked).toHaveLength(3);
});

it('goes on reading seldom after a long quiet time', () => {
  const { pace, pass } = paceAt();
  pass(600_000);
  pace.read();
  expect(pace.waitMs()).toBe(60_000);
});

it('reads what comes at about the same time together once the gaps are long', () => {
  const { pace, pass } = paceAt();
  pass(600_000);
  expect(pace.waitMs()).toBe(5_000);
});

it('stays below the time between two heartbeats, and forgets a single quick rewrite', () => {
  const { pace, pass } = paceAt(true);
  pass(600_000);
  pace.heard(8_000);
  pace.read();
  expect(pace.waitMs()).toBe(7_200);
  pace.heard(100);
  expect(pace.waitMs()).toBeLessThan(1_000);
  for (let beats = 0; beats < 25; beats += 1) pace.heard(8_000);
  expect(pace.waitMs()).toBe(7_200);
});
