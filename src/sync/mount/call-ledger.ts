import type { Clock } from '../../clock.ts';
import type { VersionIndex } from '../index/version-index.ts';
import type { RemoteCall } from '../remote/remote-store.ts';

const HOUR_MS = 3_600_000;

/**
 * Counts every call to Box, in memory first and then in the index.
 *
 * Guarantees: a call is counted once; a kill loses at most the counts since the last flush.
 */
export class CallLedger {
  readonly #clock: Clock;
  readonly #pending = new Map<string, number>();
  #total = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Calls since this mount started. */
  get total(): number {
    return this.#total;
  }

  readonly record = (call: RemoteCall): void => {
    this.#total += 1;
    this.#pending.set(call.endpoint, (this.#pending.get(call.endpoint) ?? 0) + 1);
  };

  /** Move what was counted into the index, under the present hour. */
  flush(index: VersionIndex): void {
    if (this.#pending.size === 0) return;
    const hour = Math.floor(this.#clock.now() / HOUR_MS);
    index.transaction(() => {
      for (const [endpoint, calls] of this.#pending) index.countCalls(hour, endpoint, calls);
    });
    this.#pending.clear();
  }
}
