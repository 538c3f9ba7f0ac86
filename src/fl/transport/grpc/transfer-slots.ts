/** Gives back a slot; idempotent. */
export type Release = () => void;

/** Bounds how many large messages are in memory at once, in the order in which they asked. */
export class TransferSlots {
  readonly #capacity: number;
  readonly #waiting: (() => void)[] = [];
  #taken = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get taken(): number {
    return this.#taken;
  }

  /** How many wait for a slot. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Wait for a slot. A call that ended meanwhile (`isGone`) is passed over, and gets a release that does nothing. */
  async acquire(isGone: () => boolean): Promise<Release> {
    while (this.#taken >= this.#capacity && !isGone())
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    if (isGone()) {
      // Its turn is the next one's.
      this.#waiting.shift()?.();
      return () => {};
    }
    this.#taken += 1;
    let isOpen = true;
    return () => {
      if (!isOpen) return;
      isOpen = false;
      this.#taken -= 1;
      this.#waiting.shift()?.();
    };
  }
}
