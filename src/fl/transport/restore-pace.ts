import type { ServerAction } from '../round/server-action.ts';

/** The first and the longest pause between two times that one file is put back. Units: milliseconds. */
const PAUSE_FIRST_MS = 1_000;
const PAUSE_MAX_MS = 60_000;

/** How often the server writes its files over what others put there: two who write in turn do not fill the folder. */
export class RestorePace {
  readonly #next = new Map<string, { readonly pauseMs: number; readonly notBeforeMs: number }>();

  /** Whether a file may be put back now; it then counts as put back. Units: monotonic milliseconds. */
  may({ file, round }: Extract<ServerAction, { kind: 'restore' }>, nowMs: number): boolean {
    const key = `${file} ${round}`;
    const { pauseMs, notBeforeMs } = this.#next.get(key) ?? { pauseMs: PAUSE_FIRST_MS, notBeforeMs: nowMs };
    if (nowMs < notBeforeMs) return false;
    this.#next.set(key, { pauseMs: Math.min(PAUSE_MAX_MS, pauseMs * 2), notBeforeMs: nowMs + pauseMs });
    return true;
  }
}
