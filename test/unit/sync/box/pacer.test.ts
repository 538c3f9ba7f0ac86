import { setMaxListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { type Meter, Pacer } from '../../../../src/sync/box/pacer.ts';
import { FakeClock } from './fake-clock.ts';

const MINUTE_MS = 60_000;

/** How many of many eager callers get through in each minute. */
async function admitted(pacer: Pacer, clock: FakeClock, meter: Meter, minutes: number): Promise<number[]> {
  let count = 0;
  const stop = new AbortController();
  setMaxListeners(0, stop.signal);
  for (let caller = 0; caller < 3_000; caller += 1) {
    pacer.admit(meter, stop.signal).then(
      () => {
        count += 1;
      },
      () => {},
    );
  }
  const perMinute: number[] = [];
  for (let minute = 0; minute < minutes; minute += 1) {
    const before = count;
    await clock.advance(MINUTE_MS);
    perMinute.push(count - before);
  }
  stop.abort();
  return perMinute;
}

describe('Pacer', () => {
  it('tells of each call that it holds back, by which limit and for how long', async () => {
    const clock = new FakeClock();
    const told: unknown[] = [];
    const limits = { callsPerMinute: 1_000, uploadsPerMinute: 5 };
    const pacer = new Pacer(clock, undefined, limits, (paced) => told.push(paced));
    await pacer.admit('upload');
    expect(told).toEqual([]);
    const second = pacer.admit('upload');
    expect(told).toEqual([{ calls: 'uploads', perMinute: 5, waitMs: 15_000 }]);
    await clock.advance(15_000);
    await second;
  });

  it("keeps under Box's limits in every minute", async () => {
    for (const [meter, limit] of [
      ['api', 1_000],
      ['upload', 240],
    ] as const) {
      const clock = new FakeClock();
      const perMinute = await admitted(new Pacer(clock), clock, meter, 2);
      for (const count of perMinute) expect(count).toBeLessThanOrEqual(limit);
      expect(perMinute[1]).toBeGreaterThan(limit * 0.7);
    }
  });

  it('lets what Box does not count through at once', async () => {
    const clock = new FakeClock();
    const pacer = new Pacer(clock, { callsPerHour: 1, burst: 1 });
    for (let call = 0; call < 10; call += 1) await pacer.admit('unmetered');
  });

  it('lets a burst through and keeps the average of a budget', async () => {
    const clock = new FakeClock();
    const perMinute = await admitted(new Pacer(clock, { callsPerHour: 600, burst: 100 }), clock, 'api', 5);
    expect(perMinute[0]).toBeLessThanOrEqual(111);
    expect(perMinute[0]).toBeGreaterThanOrEqual(100);
    for (const count of perMinute.slice(1)) expect(Math.abs(count - 10)).toBeLessThanOrEqual(1);
  });

  it('closes for as long as Box asks, and goes on slower', async () => {
    const clock = new FakeClock();
    const pacer = new Pacer(clock);
    pacer.throttled('api', 30_000);
    let through = false;
    const call = pacer.admit('api').then(() => {
      through = true;
    });
    await clock.advance(29_000);
    expect(through).toBe(false);
    await clock.advance(2_000);
    await call;
    const perMinute = await admitted(pacer, clock, 'api', 1);
    expect(perMinute[0]).toBeLessThan(700);
  });

  it('finds out after a while whether Box really meant to close for a day', async () => {
    const clock = new FakeClock();
    const pacer = new Pacer(clock);
    pacer.throttled('api', 24 * 60 * MINUTE_MS);
    let through = false;
    const call = pacer.admit('api').then(() => {
      through = true;
    });
    await clock.advance(9 * MINUTE_MS);
    expect(through).toBe(false);
    await clock.advance(2 * MINUTE_MS);
    expect(through).toBe(true);
    await call;
  });

  it('is as fast as ever an hour after it was told to slow down', async () => {
    const clock = new FakeClock();
    const pacer = new Pacer(clock);
    for (let time = 0; time < 10; time += 1) pacer.throttled('api', 0);
    await clock.advance(60 * MINUTE_MS);
    expect((await admitted(pacer, clock, 'api', 1))[0]).toBeGreaterThan(900);
  });

  it('charges nothing for the calls of those who gave up waiting', async () => {
    const clock = new FakeClock();
    const pacer = new Pacer(clock, { callsPerHour: 60, burst: 1 });
    await pacer.admit('api');
    for (let caller = 0; caller < 50; caller += 1) {
      const giveUp = new AbortController();
      const waiting = pacer.admit('api', giveUp.signal);
      giveUp.abort();
      await expect(waiting).rejects.toMatchObject({ name: 'AbortError' });
    }
    let through = false;
    const call = pacer.admit('api').then(() => {
      through = true;
    });
    await clock.advance(2 * MINUTE_MS);
    expect(through).toBe(true);
    await call;
  });

  it('frees a waiting caller who gives up', async () => {
    const clock = new FakeClock();
    const pacer = new Pacer(clock, { callsPerHour: 1, burst: 1 });
    await pacer.admit('api');
    const giveUp = new AbortController();
    const waiting = pacer.admit('api', giveUp.signal);
    giveUp.abort();
    await expect(waiting).rejects.toMatchObject({ name: 'AbortError' });
  });
});
