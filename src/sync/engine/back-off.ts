import type { Clock } from '../../clock.ts';
import type { Random } from '../../random.ts';

interface Waiting {
  /** The state of the entry that failed: another state is tried at once. */
  readonly version: string;
  readonly attempts: number;
  readonly untilMs: number;
  readonly message: string;
}

const FIRST_MS = 1000;
const LONGEST_MS = 5 * 60_000;

/**
 * Which entries wait after a failure, and until when.
 *
 * Guarantees: one entry's trouble never holds up another; the wait grows with each failure of the same version, with
 * jitter, and ends at once when the entry changes.
 */
export class BackOff {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #waiting = new Map<string, Waiting>();

  constructor(clock: Clock, random: Random) {
    this.#clock = clock;
    this.#random = random;
  }

  /** Note a failure. `forMs`: how long at least, where the other side said so. */
  failed(key: string, version: string, message: string, forMs = 0): void {
    const former = this.#waiting.get(key);
    const attempts = former?.version === version ? former.attempts + 1 : 1;
    const longest = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(attempts - 1, 16));
    const waitMs = Math.max(forMs, longest * (0.5 + this.#random.next() / 2));
    this.#waiting.set(key, { version, attempts, untilMs: this.#clock.monotonic() + waitMs, message });
  }

  succeeded(key: string): void {
    this.#waiting.delete(key);
  }

  /** True while this version of the entry is not to be tried. */
  holds(key: string, version: string): boolean {
    const waiting = this.#waiting.get(key);
    if (waiting === undefined) return false;
    if (waiting.version === version) return this.#clock.monotonic() < waiting.untilMs;
    this.#waiting.delete(key);
    return false;
  }

  /** True when nothing waits. */
  get isEmpty(): boolean {
    return this.#waiting.size === 0;
  }

  /** When the next entry may be tried; undefined when none waits. Units: the monotonic clock's milliseconds. */
  get nextAtMs(): number | undefined {
    const now = this.#clock.monotonic();
    const times = [...this.#waiting.values()].map(({ untilMs }) => untilMs).filter((at) => at > now);
    return times.length === 0 ? undefined : Math.min(...times);
  }

  /** For status: what waits and why. */
  entries(): readonly { readonly key: string; readonly attempts: number; readonly message: string }[] {
    return [...this.#waiting].map(([key, { attempts, message }]) => ({ key, attempts, message }));
  }

  /** Forget entries that nobody wants anything of any more. */
  retain(wanted: ReadonlySet<string>): void {
    for (const key of this.#waiting.keys()) if (!wanted.has(key)) this.#waiting.delete(key);
  }

  /** Try everything again now. */
  clear(): void {
    this.#waiting.clear();
  }
}
