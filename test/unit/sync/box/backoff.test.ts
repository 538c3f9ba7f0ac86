import { fc, it as property } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../../src/random.ts';
import { Backoff } from '../../../../src/sync/box/backoff.ts';
import { retryAfterMsOf } from '../../../../src/sync/box/retry-after.ts';

const policy = { attemptsMax: 6, baseMs: 500, capMs: 20_000, waitTotalMaxMs: 90_000 };

describe('Backoff', () => {
  property.prop([
    fc.integer(),
    fc.array(fc.integer({ min: 0, max: 60_000 }), { minLength: 20, maxLength: 20 }),
  ])('keeps to its budget and never comes back before Box asked', (seed, asked) => {
    const backoff = new Backoff(policy, seededRandom(seed));
    const waits = asked.map((askedMs) => [askedMs, backoff.next(askedMs)] as const);
    const granted = waits.flatMap(([askedMs, waitMs]) =>
      waitMs === undefined ? [] : [[askedMs, waitMs] as const],
    );
    expect(granted.length).toBeLessThan(policy.attemptsMax);
    expect(granted.reduce((sum, [, waitMs]) => sum + waitMs, 0)).toBeLessThanOrEqual(policy.waitTotalMaxMs);
    for (const [askedMs, waitMs] of granted) {
      expect(waitMs).toBeGreaterThanOrEqual(askedMs);
      if (askedMs === 0) expect(waitMs).toBeLessThanOrEqual(policy.capMs);
    }
  });
});

describe('retryAfterMsOf', () => {
  const nowMs = Date.UTC(2026, 0, 1);
  it.each([
    ['3', 3_000],
    ['0', 0],
    ['0.5', 500],
    [new Date(nowMs + 5_000).toUTCString(), 5_000],
    [new Date(nowMs - 5_000).toUTCString(), 0],
    ['soon', undefined],
    ['', undefined],
    ['999999999', 86_400_000],
  ])('reads %j as %j ms', (value, expected) => {
    expect(retryAfterMsOf({ 'retry-after': value }, nowMs)).toBe(expected);
  });

  it("counts a date from the answer's own, however wrong this machine's clock is", () => {
    const date = (ms: number) => new Date(ms).toUTCString();
    const headers = { date: date(nowMs), 'retry-after': date(nowMs + 7_000) };
    for (const wrongByMs of [-18_000_000, 18_000_000])
      expect(retryAfterMsOf(headers, nowMs + wrongByMs)).toBe(7_000);
  });
});
