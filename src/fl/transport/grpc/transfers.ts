import type { Clock, Timer } from '../../../clock.ts';
import type { Release, TransferSlots } from './transfer-slots.ts';

/** While others wait for a slot, whoever has one is looked at so often. Units: milliseconds. */
const STALL_MS = 10_000;

/** How slowly a model or a checkpoint may move. */
export interface TransferPace {
  /** How long one may take altogether. Units: milliseconds. */
  readonly timeoutMs: number;
  /** The least that must move over a window, on average; 0 for no least. Units: bytes per second. */
  readonly leastBytesPerSecond: number;
  /** Units: milliseconds. */
  readonly windowMs: number;
}

export interface TransfersOptions extends TransferPace {
  readonly slots: TransferSlots;
  readonly clock: Clock;
}

interface TransferEnds {
  /** Whether whoever wanted it is gone. */
  readonly isGone: () => boolean;
  /** Called at most once, with the reason, when it is too slow to keep its slot. */
  readonly onTooSlow: (why: string) => void;
}

/** One large message that somebody sends or fetches. */
export class Transfer {
  readonly #options: TransfersOptions;
  readonly #leave: () => void;
  readonly #timers = new Set<Timer>();
  #release: Release = () => {};
  #cut: (why: string) => void = () => {};
  #isOver = false;
  #hasArrived = false;
  #moved = 0;

  constructor(options: TransfersOptions, leave: () => void) {
    this.#options = options;
    this.#leave = leave;
  }

  /** Wait for a slot. Returns false when it is over before its turn came. */
  async start({ isGone, onTooSlow }: TransferEnds): Promise<boolean> {
    const { slots, timeoutMs } = this.#options;
    const isOver = () => this.#isOver || isGone();
    const release = await slots.acquire(isOver);
    if (isOver()) {
      release();
      return false;
    }
    this.#release = release;
    this.#cut = (why) => {
      if (this.#isOver) return;
      this.end();
      onTooSlow(why);
    };
    this.#every(timeoutMs, () => this.#cut(`not over within ${timeoutMs / 1_000} s (transfer_timeout)`));
    return true;
  }

  /** From now on it is the peer that must move on. */
  watchPace(): void {
    if (this.#hasArrived) return;
    const { slots, leastBytesPerSecond, windowMs } = this.#options;
    const leastBytes = (leastBytesPerSecond * windowMs) / 1_000;
    if (leastBytes > 0)
      this.#every(windowMs, (moved) => {
        if (moved < leastBytes)
          this.#cut(
            `slower than ${leastBytesPerSecond} bytes a second over ${windowMs / 1_000} s (transfer_rate_minimum)`,
          );
      });
    const stallMs = Math.min(STALL_MS, windowMs);
    const stallBytes = Math.max(1, (leastBytesPerSecond * stallMs) / 1_000);
    this.#every(stallMs, (moved) => {
      if (moved < stallBytes && slots.waiting > 0)
        this.#cut(`${moved} bytes in ${stallMs / 1_000} s while others were waiting`);
    });
  }

  /** So many bytes went over. */
  moved(bytes: number): void {
    this.#moved += bytes;
  }

  /** What the peer had to do is done: its time does not count any more. Idempotent. */
  arrived(): void {
    this.#hasArrived = true;
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
  }

  /** It is over, however. Idempotent. */
  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.arrived();
    this.#release();
    this.#leave();
  }

  /** Look again and again at what moved since the last look. */
  #every(intervalMs: number, look: (movedBytes: number) => void): void {
    const before = this.#moved;
    const timer = this.#options.clock.after(intervalMs, () => {
      this.#timers.delete(timer);
      look(this.#moved - before);
      if (!this.#isOver) this.#every(intervalMs, look);
    });
    this.#timers.add(timer);
  }
}

/**
 * All large messages of one direction.
 *
 * Guarantees: at most as many at once as there are slots, and one for each owner; whoever is too slow loses its slot.
 */
export class Transfers {
  readonly #options: TransfersOptions;
  readonly #owners = new Set<string>();

  constructor(options: TransfersOptions) {
    this.#options = options;
  }

  /** An owner's next one; undefined while an earlier one is on its way. It must be ended, started or not. */
  reserve(owner: string): Transfer | undefined {
    if (this.#owners.has(owner)) return undefined;
    this.#owners.add(owner);
    return new Transfer(this.#options, () => void this.#owners.delete(owner));
  }
}
