import type { Clock, Timer } from '../../clock.ts';
import { delay } from '../../clock.ts';

/** Hints within this time count as one. Units: milliseconds. */
const PAUSE_MIN_MS = 20;
/** No folder is so large that hints may wait longer. Units: milliseconds. */
const PAUSE_MAX_MS = 1_000;
/** The longest sleep of a loop between two looks. Units: milliseconds. */
export const LOOK_INTERVAL_MAX_MS = 2_000;
/** A loop looks for at most a third of its time, however many hints there are. */
const PAUSE_PER_LOOK = 2;

/** How long to rest after a look that took `lookMs`, so that the hints of many participants cannot drown one. */
export function pauseAfter(lookMs: number): number {
  return Math.min(PAUSE_MAX_MS, Math.max(PAUSE_MIN_MS, lookMs * PAUSE_PER_LOOK));
}

/** Lets one loop sleep until something may have changed. */
export interface Wake {
  /** Something may have changed: end the present sleep, or the next one at once. */
  hint(): void;
  /**
   * Sleep at least `pauseMs`, and then until a hint, `delayMs` in all, or an abort.
   *
   * Guarantees: hints during the loop's work and the pause are not lost, and all of them wake it once.
   */
  sleep(pauseMs: number, delayMs: number, signal: AbortSignal): Promise<void>;
}

export function createWake(clock: Clock): Wake {
  let hinted = false;
  let wake: (() => void) | undefined;
  return {
    hint() {
      hinted = true;
      wake?.();
    },
    async sleep(pauseMs, delayMs, signal) {
      await delay(clock, pauseMs, signal);
      if (!hinted && !signal.aborted) {
        let timer: Timer | undefined;
        await new Promise<void>((resolve) => {
          wake = resolve;
          timer = clock.after(Math.max(0, delayMs - pauseMs), resolve);
          signal.addEventListener('abort', wake, { once: true });
        });
        timer?.cancel();
        if (wake !== undefined) signal.removeEventListener('abort', wake);
        wake = undefined;
      }
      hinted = false;
    },
  };
}
