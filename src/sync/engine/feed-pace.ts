import type { Clock } from '../../clock.ts';
import type { RemoteId } from '../../ids.ts';
import type { RemoteEntry } from '../tree/entry.ts';
import type { ReadonlyTree } from '../tree/tree.ts';

const GAP_MIN_MS = 400;
/** As long as something of interest may come any moment, the gap doubles up to this with each reading that brought none. */
const ATTENTIVE_GAP_MAX_MS = 1_600;
/**
 * After a checkpoint went, so many readings have this gap instead: others' files pass by before the next model comes, and
 * a gap that doubles with each of them would be longest just then.
 */
const ANSWER_READINGS = 6;
const ANSWER_GAP_MS = 800;
/** Once everybody's checkpoint went, next to nothing but the model comes: so many readings follow their sign at once. */
const NEAR_READINGS = 4;
const NEAR_GAP_MS = 100;
/** So long after the last thing of interest the feed is still read at once. */
const ATTENTIVE_MS = 60_000;
/** From then on, the gap grows by a third of the time that passes. */
const GAP_GROWTH = 1 / 3;
/** Where the gap follows the heartbeats, it is shorter than the time between two of them by this factor. */
const BEAT_SHARE = 9 / 10;
/** A single quick rewrite is no heartbeat: each longer interval lets what counts as one grow by this factor. */
const BEAT_RELAXATION = 1.25;
/** Once the gaps are long, a reading waits for this share of one, so that what comes together is read together ... */
const TOGETHER_SHARE = 1 / 8;
/** ... but no longer than this. */
const TOGETHER_MAX_MS = 5_000;

/** The timer that stands in for signs: quick while something is going on, and quick enough to judge heartbeats by. */
const TIMER_MS = { attentive: 10_000, followsBeats: 30_000, quiet: 60_000 };

/** When the event feed is read. */
export interface Attention {
  /** Wake-ups within this time are answered by one call. Units: milliseconds; default: 400. */
  readonly gapMinMs?: number;
  /** The longest gap between two readings. Units: milliseconds. */
  readonly gapMaxMs: number;
  /** True where heartbeats are judged: then the gap also stays below the time between two versions of a file. */
  readonly followsBeats: boolean;
  /** Whether what answers a checkpoint that went into a folder must come soon, as all that it waits for is there. Pure. */
  readonly answerIsNear?: (tree: ReadonlyTree<RemoteId, RemoteEntry>, folder: RemoteId) => boolean;
}

/**
 * How often the event feed is read.
 *
 * The feed wakes every collaborator at every heartbeat of every other. Waking is free, reading is a call. So reading is
 * quick while something of interest goes on (content that comes, checkpoints that go), less so while files appear that
 * are not wanted here, and rarer the longer nothing but heartbeats passes by.
 */
export class FeedPace {
  readonly #clock: Clock;
  readonly #attention: Attention;
  #lastReadMs = Number.NEGATIVE_INFINITY;
  #lastInterestMs: number;
  /** Readings since something of interest was found. */
  #idleReadings = 0;
  /** True when the last thing of interest was one that others answer to. */
  #expectsAnswer = false;
  /** Where the last checkpoint went, until the answer to it is near. */
  #askedIn: RemoteId | undefined;
  /** Readings left that may follow a sign at once. */
  #nearReadings = 0;
  /** The time between two heartbeats, as far as they were heard. */
  #beatMs = Number.POSITIVE_INFINITY;

  constructor(clock: Clock, attention: Attention) {
    this.#clock = clock;
    this.#attention = attention;
    this.#lastInterestMs = clock.monotonic();
  }

  /** Something came or went that is more than a sign of life. */
  interest(): void {
    this.#lastInterestMs = this.#clock.monotonic();
    this.#idleReadings = 0;
    this.#expectsAnswer = false;
  }

  /** Something went into a folder that others answer to. */
  expectAnswer(folder: RemoteId): void {
    this.interest();
    this.#expectsAnswer = true;
    this.#askedIn = folder;
  }

  /** Box was seen anew: perhaps all is there that the answer waits for. */
  seen(tree: ReadonlyTree<RemoteId, RemoteEntry>): void {
    if (this.#askedIn === undefined || this.#attention.answerIsNear?.(tree, this.#askedIn) !== true) return;
    this.#askedIn = undefined;
    this.#nearReadings = NEAR_READINGS;
  }

  /** The answer is here. */
  answered(): void {
    this.interest();
    this.#askedIn = undefined;
    this.#nearReadings = 0;
  }

  /** Something happens that is of no use here: what is of use may follow. */
  stir(): void {
    this.#lastInterestMs = this.#clock.monotonic();
  }

  /** A file has a new version so long after the one before. */
  heard(intervalMs: number): void {
    if (intervalMs <= 0) return;
    this.#beatMs =
      intervalMs < this.#beatMs ? intervalMs : Math.min(intervalMs, this.#beatMs * BEAT_RELAXATION);
  }

  read(): void {
    this.#idleReadings += 1;
    this.#nearReadings = Math.max(0, this.#nearReadings - 1);
    this.#lastReadMs = this.#clock.monotonic();
  }

  /** How long the next reading must wait. Units: milliseconds; 0: now. */
  waitMs(): number {
    const now = this.#clock.monotonic();
    const quietGapMs = Math.min(this.#gapMaxMs, (now - this.#lastInterestMs - ATTENTIVE_MS) * GAP_GROWTH);
    const dueMs = this.#lastReadMs + Math.max(this.#attentiveMs, quietGapMs) - now;
    if (quietGapMs <= ATTENTIVE_GAP_MAX_MS) return Math.max(0, dueMs);
    return Math.max(dueMs, Math.min(TOGETHER_MAX_MS, quietGapMs * TOGETHER_SHARE));
  }

  /** How long to wait between two readings where no sign can be waited for. Units: milliseconds. */
  get timerMs(): number {
    const isAttentive = this.#clock.monotonic() - this.#lastInterestMs < ATTENTIVE_MS;
    if (isAttentive) return TIMER_MS.attentive;
    return this.#attention.followsBeats ? TIMER_MS.followsBeats : TIMER_MS.quiet;
  }

  /** The first reading after something of interest is quick, and so is the one after that. */
  get #attentiveMs(): number {
    if (this.#nearReadings > 0) return NEAR_GAP_MS;
    if (this.#expectsAnswer && this.#idleReadings < ANSWER_READINGS) return ANSWER_GAP_MS;
    const { gapMinMs = GAP_MIN_MS } = this.#attention;
    return Math.min(ATTENTIVE_GAP_MAX_MS, gapMinMs * 2 ** Math.max(0, this.#idleReadings - 1));
  }

  get #gapMaxMs(): number {
    const { gapMaxMs, followsBeats } = this.#attention;
    return followsBeats ? Math.min(gapMaxMs, this.#beatMs * BEAT_SHARE) : gapMaxMs;
  }
}
