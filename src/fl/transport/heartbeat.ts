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
  readonly frequencyMs: number;
}

/**
 * Give a heartbeat now and then every `frequencyMs`, until stopped.
 *
 * Guarantees: never more often than configured; a failed one is reported and tried again, and never ends the beat.
 */
export function startHeartbeat(options: HeartbeatOptions): { stop(): Promise<void> } {
  const { clock, logger, frequencyMs } = options;
  let stopped = false;
  let timer: Timer | undefined;
  let writing: Promise<void> = Promise.resolve();
  const beat = async (): Promise<void> => {
    let nextMs = frequencyMs;
    try {
      await options.beat();
    } catch (error) {
      logger.warn({ error: messageOf(error) }, 'A heartbeat could not be given; trying again.');
      nextMs = Math.min(RETRY_MS, frequencyMs);
    }
    if (stopped) return;
    timer = clock.after(nextMs, () => {
      writing = beat();
    });
  };
  writing = beat();
  return {
    async stop() {
      stopped = true;
      timer?.cancel();
      await writing;
    },
  };
}
