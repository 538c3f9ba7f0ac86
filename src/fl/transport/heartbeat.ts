import type { Clock, Timer } from '../../clock.ts';
import { messageOf } from '../../errors.ts';
import type { Logger } from '../../logger.ts';

/** After a heartbeat that could not be given, the next is tried this soon. Units: milliseconds. */
const RETRY_MS = 2_000;

interface HeartbeatOptions {
  /** Shows once that this client is alive. */
  readonly beat: () => Promise<void>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The time to the next beat, asked after each. Units: milliseconds. */
  readonly periodMs: () => Promise<number>;
}

/** Beats that go on until they are stopped. */
export interface Heartbeat {
  /** Beat now, beside those that come by themselves: somebody does not know that this client is alive. */
  beatNow(): void;
  stop(): Promise<void>;
}

/**
 * Give a heartbeat now and then one each period, until stopped.
 *
 * Guarantees: a failed one is reported and tried again, and never ends the beat.
 */
export function startHeartbeat(options: HeartbeatOptions): Heartbeat {
  const { clock, logger } = options;
  let stopped = false;
  let timer: Timer | undefined;
  let writing: Promise<void> = Promise.resolve();
  const beat = async (): Promise<void> => {
    let nextMs = RETRY_MS;
    try {
      const periodMs = await options.periodMs();
      nextMs = Math.min(RETRY_MS, periodMs);
      await options.beat();
      nextMs = periodMs;
    } catch (error) {
      logger.warn({ error: messageOf(error) }, 'A heartbeat could not be given; trying again.');
    }
    if (stopped) return;
    timer = clock.after(nextMs, go);
  };
  const go = (): void => {
    timer?.cancel();
    // One after the other: two of them would end with two timers.
    writing = writing.then(beat);
  };
  go();
  return {
    beatNow() {
      if (!stopped) go();
    },
    async stop() {
      stopped = true;
      timer?.cancel();
      await writing;
    },
  };
}
