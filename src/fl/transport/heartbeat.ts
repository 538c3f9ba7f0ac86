import type { Clock, Timer } from '../../clock.ts';
import { messageOf } from '../../errors.ts';
import type { Logger } from '../../logger.ts';
import { unixSecondsText } from '../round/protocol-texts.ts';
import type { Workdir } from './workdir.ts';

/** After a heartbeat that could not be written, the next is tried this soon. Units: milliseconds. */
const RETRY_MS = 2_000;

interface HeartbeatOptions {
  readonly workdir: Workdir;
  readonly path: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly frequencyMs: number;
}

/**
 * Write a heartbeat now and then every `frequencyMs`, until stopped.
 *
 * Guarantees: never more often than configured; a failed write is reported and tried again, and never ends the beat.
 */
export function startHeartbeat(options: HeartbeatOptions): { stop(): Promise<void> } {
  const { workdir, path, clock, logger, frequencyMs } = options;
  let stopped = false;
  let timer: Timer | undefined;
  let writing: Promise<void> = Promise.resolve();
  const beat = async (): Promise<void> => {
    let nextMs = frequencyMs;
    try {
      await workdir.write(path, unixSecondsText(clock.now()));
    } catch (error) {
      logger.warn({ path, error: messageOf(error) }, 'A heartbeat could not be written; trying again.');
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
