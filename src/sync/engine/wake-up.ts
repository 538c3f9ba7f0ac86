import type { Clock, Timer } from '../../clock.ts';

/** Lets a loop sleep until somebody has something for it, or until a time. */
export class WakeUp {
  readonly #clock: Clock;
  #pending = false;
  #resolve: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Wake the loop; a call while it is awake makes the next sleep end at once. */
  call = (): void => {
    this.#pending = true;
    this.#resolve?.();
  };

  /** Sleep until called, or until the time on the monotonic clock. */
  async sleep(untilMs: number | undefined): Promise<void> {
    if (!this.#pending) {
      let timer: Timer | undefined;
      await new Promise<void>((resolve) => {
        this.#resolve = resolve;
        if (untilMs !== undefined)
          timer = this.#clock.after(Math.max(0, untilMs - this.#clock.monotonic()), resolve);
      });
      timer?.cancel();
      this.#resolve = undefined;
    }
    this.#pending = false;
  }
}
