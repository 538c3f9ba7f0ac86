import type { Clock, Timer } from '../../src/clock.ts';

interface Pending {
  readonly atMs: number;
  readonly order: number;
  readonly callback: () => void;
  cancelled: boolean;
}

/** Any moment will do, as long as it is always the same. */
const START_MS = Date.UTC(2026, 0, 1);

/** Resolves when nothing more can happen without time passing: all that is left to run are timers of this clock. */
const atRest = () => new Promise<void>((resolve) => void setImmediate(resolve));

/**
 * Time that passes only when everything that could happen now has happened.
 *
 * Guarantees: timers fire in order of their time, then of their making; nothing else moves time.
 */
export class SimClock implements Clock {
  #nowMs = 0;
  #order = 0;
  #pending: Pending[] = [];

  now(): number {
    return Math.floor(START_MS + this.#nowMs);
  }

  monotonic(): number {
    return this.#nowMs;
  }

  after(delayMs: number, callback: () => void): Timer {
    const atMs = this.#nowMs + Math.max(0, delayMs);
    const entry: Pending = { atMs, order: this.#order++, callback, cancelled: false };
    this.#insert(entry);
    return {
      cancel: () => {
        entry.cancelled = true;
      },
    };
  }

  /** Let time pass until the moment, or until `done` says so. */
  async runUntil(untilMs: number, done: () => boolean = () => false): Promise<void> {
    await atRest();
    while (!done()) {
      while (this.#pending[0]?.cancelled) this.#pending.shift();
      const next = this.#pending[0];
      if (next === undefined || next.atMs > untilMs) break;
      this.#pending.shift();
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.callback();
      await atRest();
    }
    if (!done()) this.#nowMs = Math.max(this.#nowMs, untilMs);
  }

  /** Binary insertion: the list stays sorted by time and order. */
  #insert(entry: Pending): void {
    let low = 0;
    let high = this.#pending.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const other = this.#pending[middle] as Pending;
      if (other.atMs < entry.atMs || (other.atMs === entry.atMs && other.order < entry.order))
        low = middle + 1;
      else high = middle;
    }
    this.#pending.splice(low, 0, entry);
  }
}
