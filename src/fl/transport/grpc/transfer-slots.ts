/** Gives back a slot; idempotent. */
export type Release = () => void;

interface Waiter {
  readonly isGone: () => boolean;
  /** Called with true when its turn has come, with false when nobody waits there any more. */
  readonly wake: (isTurn: boolean) => void;
}

/** Bounds how many large messages are in memory at once, in the order in which they asked. */
export class TransferSlots {
  readonly #capacity: number;
  #waiting: Waiter[] = [];
  #taken = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get taken(): number {
    return this.#taken;
  }

  /** How many wait for a slot. */
  get waiting(): number {
    return this.#waiting.filter(({ isGone }) => !isGone()).length;
  }

  /** Wait for a slot. A call that ended meanwhile (`isGone`) is passed over, and gets a release that does nothing. */
  async acquire(isGone: () => boolean): Promise<Release> {
    this.#forgetGone();
    while (this.#taken >= this.#capacity && !isGone()) {
      const isTurn = await new Promise<boolean>((wake) => this.#waiting.push({ isGone, wake }));
      if (!isTurn) return () => {};
    }
    if (isGone()) {
      // Its turn is the next one's.
      this.#next();
      return () => {};
    }
    this.#taken += 1;
    let isOpen = true;
    return () => {
      if (!isOpen) return;
      isOpen = false;
      this.#taken -= 1;
      this.#next();
    };
  }

  #next(): void {
    this.#waiting.shift()?.wake(true);
  }

  /** Whoever asks and goes, again and again, leaves nothing behind. */
  #forgetGone(): void {
    const gone = this.#waiting.filter(({ isGone }) => isGone());
    if (gone.length === 0) return;
    this.#waiting = this.#waiting.filter((waiter) => !gone.includes(waiter));
    for (const { wake } of gone) wake(false);
  }
}
