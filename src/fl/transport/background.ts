import type { Clock } from '../../clock.ts';
import { ConfigError, errnoOf, InvariantError, MilaError, messageOf, StateError } from '../../errors.ts';
import type { Logger } from '../../logger.ts';

/** The first and the longest pause before an effect that failed is tried again. Units: milliseconds. */
const RETRY_FIRST_MS = 1_000;
const RETRY_MAX_MS = 60_000;

/**
 * Whether an error is the world's doing, which may pass. The rest must not be repeated: a bug, or what stays as it is
 * until a person mends it.
 */
export function isExpected(error: unknown): boolean {
  if (error instanceof InvariantError || error instanceof ConfigError || error instanceof StateError)
    return false;
  if (error instanceof MilaError) return true;
  return errnoOf(error)?.startsWith('E') === true && !errnoOf(error)?.startsWith('ERR_');
}

interface Attempt {
  failures: number;
  notBeforeMs: number;
}

/**
 * Runs long effects beside the loop: each key once at a time, failures again after growing pauses.
 *
 * Guarantees: what was decided by a look that began before an effect ended does not start this effect once more: that
 * look had not seen its end.
 */
export interface Background {
  /** A look begins: what ended before it may be started again by what it finds. */
  beginLook(): void;
  /** Start `work` unless it is running, ended since the look began, or failed so recently that it must wait. */
  run(key: string, work: (signal: AbortSignal) => Promise<void>): void;
  /** Abort what runs under `key`. */
  abort(key: string): void;
  isRunning(key: string): boolean;
  /** When the next failed effect may be tried again. Units: monotonic milliseconds; null when none waits. */
  retryAtMs(): number | null;
  /** Abort everything and wait for it. */
  close(): Promise<void>;
}

interface BackgroundOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Called whenever an effect ended. */
  readonly onEnd: () => void;
  /** Called with what cannot go on, never with an expected error. */
  readonly onFault: (error: unknown) => void;
  /** Called, in words for a person, with what failed and is tried again. */
  readonly onTrouble: (message: string) => void;
}

export function createBackground(options: BackgroundOptions): Background {
  const { clock, logger, onEnd, onFault, onTrouble } = options;
  const running = new Map<string, { readonly controller: AbortController; readonly done: Promise<void> }>();
  const attempts = new Map<string, Attempt>();
  const endedSinceLook = new Set<string>();

  const fail = (key: string, error: unknown): void => {
    if (!isExpected(error)) {
      onFault(error);
      return;
    }
    const failures = (attempts.get(key)?.failures ?? 0) + 1;
    const pauseMs = Math.min(RETRY_MAX_MS, RETRY_FIRST_MS * 2 ** (failures - 1));
    attempts.set(key, { failures, notBeforeMs: clock.monotonic() + pauseMs });
    logger.warn(
      { effect: key, failures, pauseMs, error: messageOf(error) },
      'An effect failed; it is tried again.',
    );
    onTrouble(`${messageOf(error)}; trying again`);
  };

  return {
    beginLook: () => endedSinceLook.clear(),
    run(key, work) {
      if (running.has(key) || endedSinceLook.has(key)) return;
      if ((attempts.get(key)?.notBeforeMs ?? 0) > clock.monotonic()) return;
      const controller = new AbortController();
      const done = work(controller.signal)
        .then(() => void attempts.delete(key))
        .catch((error) => {
          if (!controller.signal.aborted) fail(key, error);
        })
        .finally(() => {
          running.delete(key);
          endedSinceLook.add(key);
          onEnd();
        });
      running.set(key, { controller, done });
    },
    abort: (key) => running.get(key)?.controller.abort(),
    isRunning: (key) => running.has(key),
    retryAtMs() {
      // One that is due already was not asked for again: nothing waits for it.
      const waiting = [...attempts.values()]
        .map(({ notBeforeMs }) => notBeforeMs)
        .filter((notBeforeMs) => notBeforeMs > clock.monotonic());
      return waiting.length === 0 ? null : Math.min(...waiting);
    },
    async close() {
      for (const { controller } of running.values()) controller.abort();
      await Promise.all([...running.values()].map(({ done }) => done));
    },
  };
}
