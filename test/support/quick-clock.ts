import { type Clock, systemClock } from '../../src/clock.ts';

/** This machine's clock whose timers run faster: what takes minutes is seen in seconds. Wall time stays as it is. */
export function quickClock(times: number): Clock {
  const real = systemClock();
  return {
    now: () => real.now(),
    monotonic: () => real.monotonic() * times,
    after: (delayMs, callback) => real.after(delayMs / times, callback),
  };
}
