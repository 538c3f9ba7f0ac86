import { beforeEach, describe, expect, it } from 'vitest';
import { PlanPace } from '../../../../src/sync/engine/plan-pace.ts';
import { FakeClock } from '../box/fake-clock.ts';

describe('PlanPace', () => {
  let clock: FakeClock;
  let pace: PlanPace;
  beforeEach(() => {
    clock = new FakeClock();
    pace = new PlanPace(clock);
  });

  it('lets many running ops go on for a while after a long plan', async () => {
    pace.planned(100);
    expect(pace.isDue(500)).toBe(false);
    expect(pace.nextAtMs).toBe(clock.monotonic() + 300);
    await clock.advance(300);
    expect(pace.isDue(500)).toBe(true);
  });

  it('plans at once when little is under way, and after a short plan', () => {
    pace.planned(100);
    expect(pace.isDue(3)).toBe(true);
    pace.planned(0.5);
    expect(pace.isDue(500)).toBe(true);
  });

  it('waits for nothing at rest, however long the last plan took', () => {
    pace.planned(100);
    expect(pace.isDue(0)).toBe(true);
    expect(pace.nextAtMs).toBeUndefined();
  });
});
