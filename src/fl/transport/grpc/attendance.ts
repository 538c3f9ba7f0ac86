import type { Clock } from '../../../clock.ts';
import type { Seat } from './seats.ts';

/** Who was heard of lately, and who knows already how the run ended. */
export class Attendance {
  readonly #clock: Clock;
  readonly #silenceMaxMs: number;
  readonly #heardAtMs = new Map<string, number>();
  readonly #told = new Set<string>();

  /** Units: `silenceMaxMs` how long somebody may be silent and still be waited for. */
  constructor(clock: Clock, silenceMaxMs: number) {
    this.#clock = clock;
    this.#silenceMaxMs = silenceMaxMs;
  }

  heard(name: string): void {
    this.#heardAtMs.set(name, this.#clock.monotonic());
  }

  /** It knows how the run ended, or has said goodbye. */
  told(name: string): void {
    this.#told.add(name);
  }

  /** It is here again. */
  returned(name: string): void {
    this.#told.delete(name);
    this.heard(name);
  }

  /**
   * Whether the end of the run waits for somebody: it called since this server started, and not too long ago, or with
   * `isForAll` has not called yet.
   */
  isOwedFarewell({ name, closed }: Seat, isForAll: boolean): boolean {
    const heardAtMs = this.#heardAtMs.get(name);
    if (closed || this.#told.has(name)) return false;
    if (heardAtMs === undefined) return isForAll;
    return this.#clock.monotonic() - heardAtMs <= this.#silenceMaxMs;
  }
}
