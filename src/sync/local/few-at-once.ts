/**
 * Runs tasks in the order in which they come, a few at the same time.
 *
 * Not a queue of transfers, which are the engine's: only a bound for work that would else start all at once.
 */
export class FewAtOnce {
  readonly #limit: number;
  readonly #waiting: (() => Promise<void>)[] = [];
  readonly #idleWaiters: (() => void)[] = [];
  #workers = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Run a task when its turn comes. Tasks see to their own errors. */
  add(task: () => Promise<void>): void {
    this.#waiting.push(task);
    if (this.#workers < this.#limit) void this.#work();
  }

  /** Forget what has not begun. */
  clear(): void {
    this.#waiting.length = 0;
  }

  /** Resolves once nothing runs or waits. */
  idle(): Promise<void> {
    return this.#workers === 0
      ? Promise.resolve()
      : new Promise((resolve) => void this.#idleWaiters.push(resolve));
  }

  async #work(): Promise<void> {
    this.#workers += 1;
    try {
      for (let task = this.#waiting.shift(); task !== undefined; task = this.#waiting.shift()) await task();
    } finally {
      this.#workers -= 1;
      if (this.#workers === 0) for (const resolve of this.#idleWaiters.splice(0)) resolve();
    }
  }
}
