import type { Clock } from '../../clock.ts';
import type { Random } from '../../random.ts';

/** Why an entry waits: what ends the cause ends the wait. */
export type WaitCause =
  /** The other side does not allow it: a role, a lock, a name. */
  | 'refused'
  /** A disk or a quota has no room. */
  | 'no-room'
  /** Box does not answer. */
  | 'unreachable'
  /** It was found otherwise than planned. */
  | 'moved-on'
  | 'other';

/** What else is known of a failure. */
export interface FailureFacts {
  readonly path?: string;
  readonly cause?: WaitCause;
  /** How long at least, where the other side said so. Units: milliseconds. */
  readonly forMs?: number;
}

interface Waiting {
  /** The state of the entry that failed: another state is tried at once. */
  readonly version: string;
  readonly attempts: number;
  readonly untilMs: number;
  readonly path: string;
  readonly message: string;
  readonly cause: WaitCause;
}

const FIRST_MS = 1000;
const LONGEST_MS = 5 * 60_000;

/** An entry that waits, as a person sees it. */
export interface WaitingEntry {
  readonly key: string;
  readonly path: string;
  readonly attempts: number;
  readonly message: string;
}

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

  /** Note a failure. */
  failed(key: string, version: string, message: string, facts: FailureFacts = {}): void {
    const { path = '', cause = 'other', forMs = 0 } = facts;
    const former = this.#waiting.get(key);
    const attempts = former?.version === version ? former.attempts + 1 : 1;
    const longest = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(attempts - 1, 16));
    const waitMs = Math.max(forMs, longest * (0.5 + this.#random.next() / 2));
    const untilMs = this.#clock.monotonic() + waitMs;
    this.#waiting.set(key, { version, attempts, untilMs, path, message, cause });
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
    let next: number | undefined;
    for (const { untilMs } of this.#waiting.values())
      if (untilMs > now && (next === undefined || untilMs < next)) next = untilMs;
    return next;
  }

  /** For status: what waits and why. */
  entries(): readonly WaitingEntry[] {
    return [...this.#waiting].map(([key, { attempts, path, message }]) => ({ key, path, attempts, message }));
  }

  /** The first entry that waits for something to be mended; undefined when none does. */
  get trouble(): WaitingEntry | undefined {
    for (const [key, { attempts, path, message, cause }] of this.#waiting)
      if (cause !== 'moved-on') return { key, path, attempts, message };
    return undefined;
  }

  /** True when something waits for this cause. */
  waitsFor(cause: WaitCause): boolean {
    return [...this.#waiting.values()].some((each) => each.cause === cause);
  }

  /** Something happened to an entry: it is tried now. */
  releaseEntry(key: string): void {
    this.#waiting.delete(key);
  }

  /** The cause is gone: what waited for it is tried now. */
  release(cause: WaitCause): void {
    for (const [key, waiting] of this.#waiting) if (waiting.cause === cause) this.#waiting.delete(key);
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
