import type { Clock } from '../../clock.ts';

interface Bytes {
  readonly up: number;
  readonly down: number;
}

/** What was moved at a time. */
interface Sample {
  readonly atMs: number;
  readonly bytes: Bytes;
}

const NONE: Bytes = { up: 0, down: 0 };

/** How fast content moves, from looks at its counters. */
export class ByteRates {
  readonly #clock: Clock;
  #older: Sample;
  #newer: Sample;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#older = { atMs: clock.monotonic(), bytes: NONE };
    this.#newer = this.#older;
  }

  /** Look at the counters; undefined: nothing was moved yet. */
  sample(bytes: Bytes = NONE): void {
    this.#older = this.#newer;
    this.#newer = { atMs: this.#clock.monotonic(), bytes };
  }

  /** Between the last two looks. Units: bytes a second. */
  perSecond(): Bytes {
    const seconds = (this.#newer.atMs - this.#older.atMs) / 1000;
    if (seconds <= 0) return NONE;
    const [from, to] = [this.#older.bytes, this.#newer.bytes];
    return { up: (to.up - from.up) / seconds, down: (to.down - from.down) / seconds };
  }
}
