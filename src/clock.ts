/** A pending timer; `cancel` is idempotent. */
export interface Timer {
  cancel(): void;
}

/** Time as a parameter: real in the programs, simulated in tests. */
export interface Clock {
  /** Wall clock for people and files. Units: milliseconds since 1970. May jump. */
  now(): number;
  /** For durations and deadlines. Units: milliseconds from an arbitrary origin. Never goes back. */
  monotonic(): number;
  /** Call `callback` once, `delayMs` from now. */
  after(delayMs: number, callback: () => void): Timer;
}

/** The longest delay that Node's timers hold; longer ones would fire at once. */
const DELAY_MAX_MS = 2_147_483_647;

/** The clock of this machine. */
export function systemClock(): Clock {
  return {
    now: () => Date.now(),
    monotonic: () => performance.now(),
    after(delayMs, callback) {
      const handle = setTimeout(callback, Math.min(Math.max(0, delayMs), DELAY_MAX_MS));
      return { cancel: () => clearTimeout(handle) };
    },
  };
}

/**
 * Wait for `delayMs`, or until `signal` is aborted.
 *
 * Guarantees: resolves in both cases and leaves no timer and no listener; the caller looks at the signal.
 */
export function delay(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const finish = () => {
      timer.cancel();
      signal?.removeEventListener('abort', finish);
      resolve();
    };
    const timer = clock.after(delayMs, finish);
    signal?.addEventListener('abort', finish, { once: true });
  });
}
