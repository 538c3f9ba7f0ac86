import type { Clock } from '../../clock.ts';
import type { StatFacts } from './stat-facts.ts';

interface Growth {
  readonly inode: string;
  readonly sizeBytes: number;
  readonly atMs: number;
  /** How many times in a row it was taken longer than the time before. */
  readonly count: number;
}

/** So many growths in a row are taken as they come: a program that writes in a few pieces. */
const GROWTHS_FREE = 4;
const WAIT_FIRST_MS = 1_000;
const WAIT_MAX_MS = 60_000;
/** A file that rested for so many times its wait is taken at once again. */
const REST_FACTOR = 3;
const FILES_MAX = 1_000;

/**
 * Paces files that grow all the time, such as logs: each version is sent whole, so one for each line would cost a call
 * and the whole file each time.
 *
 * Guarantees: only a file that grew in place is put off, for a minute at most; one that is replaced, as heartbeats are,
 * or that does not grow, never is.
 */
export class GrowthPace {
  readonly #clock: Clock;
  readonly #growths = new Map<string, Growth>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** From when on a file may be taken. Units: the monotonic clock's milliseconds. */
  dueMs(key: string, facts: StatFacts): number {
    const known = this.#growths.get(key);
    return known === undefined || !grew(known, facts) ? 0 : known.atMs + waitMs(known.count);
  }

  /** Tell that a file was taken as it stood. */
  taken(key: string, { inode, sizeBytes }: StatFacts): void {
    const atMs = this.#clock.monotonic();
    const known = this.#growths.get(key);
    this.#growths.delete(key);
    const goesOn =
      known !== undefined &&
      grew(known, { inode, sizeBytes }) &&
      atMs - known.atMs < REST_FACTOR * Math.max(WAIT_FIRST_MS, waitMs(known.count));
    this.#growths.set(key, { inode, sizeBytes, atMs, count: goesOn ? known.count + 1 : 0 });
    const oldest = this.#growths.keys().next();
    if (this.#growths.size > FILES_MAX && !oldest.done) this.#growths.delete(oldest.value);
  }
}

function grew(known: Growth, facts: Pick<StatFacts, 'inode' | 'sizeBytes'>): boolean {
  return facts.inode === known.inode && facts.sizeBytes > known.sizeBytes;
}

function waitMs(count: number): number {
  return count < GROWTHS_FREE ? 0 : Math.min(WAIT_MAX_MS, WAIT_FIRST_MS * 2 ** (count - GROWTHS_FREE));
}
