import { describe, expect, it } from 'vitest';
import type { Clock } from '../../../../src/clock.ts';
import { BoxClock } from '../../../../src/sync/box-emulator/box-clock.ts';
import { Settings } from '../../../../src/sync/box-emulator/settings.ts';

const still = (now: number): Clock => ({
  now: () => now,
  monotonic: () => 0,
  after: () => ({ cancel() {} }),
});

describe('BoxClock', () => {
  it('writes whole seconds with the offset of the day, in summer and in winter', () => {
    const clock = new BoxClock(still(0), new Settings({}));
    expect(clock.format(Date.parse('2025-01-15T20:00:00.999Z'))).toBe('2025-01-15T12:00:00-08:00');
    expect(clock.format(Date.parse('2025-07-15T20:00:00Z'))).toBe('2025-07-15T13:00:00-07:00');
    // The clocks of that zone were set forward at ten o'clock UTC.
    expect(clock.format(Date.parse('2025-03-09T09:59:59Z'))).toBe('2025-03-09T01:59:59-08:00');
    expect(clock.format(Date.parse('2025-03-09T10:00:00Z'))).toBe('2025-03-09T03:00:00-07:00');
  });

  it('writes other zones, east of Greenwich and at odd minutes', () => {
    const at = (timeZone: string) =>
      new BoxClock(still(0), new Settings({ timeZone })).format(Date.parse('2025-01-15T20:00:00Z'));
    expect(at('UTC')).toBe('2025-01-15T20:00:00+00:00');
    expect(at('Asia/Kolkata')).toBe('2025-01-16T01:30:00+05:30');
    expect(at('Europe/Brussels')).toBe('2025-01-15T21:00:00+01:00');
  });

  it('runs ahead by the offset that is set, from the moment it is set', () => {
    const settings = new Settings({});
    const clock = new BoxClock(still(1_000_000), settings);
    settings.change({ clockOffsetMs: 5000 });
    expect(clock.now()).toBe(1_005_000);
    expect(clock.formatOrNull(null)).toBeNull();
  });
});
