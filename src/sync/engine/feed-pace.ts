import type { Clock } from '../../clock.ts';

/** Wake-ups within this time are answered by one call. */
const GAP_MIN_MS = 400;
/** As long as something of interest may come any moment, the gap doubles up to this with each reading that brought none. */
const ATTENTIVE_GAP_MAX_MS = 1_600;
/** So long after the last thing of interest the feed is still read at once. */
const ATTENTIVE_MS = 120_000;
/** From then on, the gap grows by a quarter of the time that passes. */
const GAP_GROWTH = 1 / 4;

/**
 * How often the event feed is read.
 *
 * The feed wakes every collaborator at every heartbeat of every other. Waking is free, reading is a call. So reading is
 * quick while something of interest goes on (content that comes, checkpoints that go), and rarer the longer nothing
 * but heartbeats passes by.
 */
export class FeedPace {
  readonly #clock: Clock;
  readonly #gapMaxMs: number;
  #lastReadMs = Number.NEGATIVE_INFINITY;
  #lastInterestMs: number;
  /** Readings since something of interest was found. */
  #idleReadings = 0;

  /** `gapMaxMs`: the longest gap; a server must hear heartbeats well within their time-out. */
  constructor(clock: Clock, gapMaxMs: number) {
    this.#clock = clock;
    this.#gapMaxMs = gapMaxMs;
    this.#lastInterestMs = clock.monotonic();
  }

  /** Something came or went that is more than a sign of life. */
  interest(): void {
    this.#lastInterestMs = this.#clock.monotonic();
    this.#idleReadings = 0;
  }

  read(): void {
    this.#idleReadings += 1;
    this.#lastReadMs = this.#clock.monotonic();
  }

  /** How long the next reading must wait. Units: milliseconds; 0: now. */
  waitMs(): number {
    const now = this.#clock.monotonic();
    const quietMs = now - this.#lastInterestMs - ATTENTIVE_MS;
    // The first reading after something of interest is quick, and so is the one after that.
    const attentiveMs = Math.min(ATTENTIVE_GAP_MAX_MS, GAP_MIN_MS * 2 ** Math.max(0, this.#idleReadings - 1));
    const gapMs = Math.min(this.#gapMaxMs, Math.max(attentiveMs, quietMs * GAP_GROWTH));
    return Math.max(0, this.#lastReadMs + gapMs - now);
  }
}
