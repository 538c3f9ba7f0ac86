/** After how long a wait is said again; then each time it has become twice as long. Units: milliseconds. */
const FIRST_MS = 600_000;

/** What a person can do about a wait, by what is awaited. */
const ADVICE: Readonly<Record<string, string>> = {
  admission: 'the server answers nobody: it may not run, or its mount may be offline; ask whoever runs it',
  aggregate:
    'the others may still be training, or the server may not run; whoever runs it sees whom it waits for in its terminal',
  ending: 'the server has not ended the run: it may not run; ask whoever runs it',
};

/** A wait that has become long. */
export interface LongWait {
  /** Units: whole minutes. */
  readonly minutes: number;
  readonly advice: string;
}

/**
 * Notices that the same is awaited for long.
 *
 * Guarantees: tells a wait after ten minutes and then each time it has become twice as long; whatever else is awaited
 * begins anew.
 */
export class LongWaits {
  #awaited = '';
  #sinceMs = 0;
  #tellAfterMs = FIRST_MS;

  /** Nothing is awaited of the server, or it is known why nothing comes. */
  over(): void {
    this.#awaited = '';
  }

  /** `message` is awaited now; the wait, when it is time to tell it. Units: `nowMs` monotonic milliseconds. */
  heed(what: string, message: string, nowMs: number): LongWait | undefined {
    if (message !== this.#awaited) {
      this.#awaited = message;
      this.#sinceMs = nowMs;
      this.#tellAfterMs = FIRST_MS;
    }
    const waitedMs = nowMs - this.#sinceMs;
    const advice = ADVICE[what];
    if (advice === undefined || waitedMs < this.#tellAfterMs) return undefined;
    while (this.#tellAfterMs <= waitedMs) this.#tellAfterMs *= 2;
    return { minutes: Math.floor(waitedMs / 60_000), advice };
  }
}
