/** Users and endpoints above this number are counted together. */
const KEYS_MAX = 10_000;

/** Counts what clients do, for tests and for people who watch their API allotment. */
export class Statistics {
  #total = 0;
  #byUser = new Map<string, number>();
  #byUserId = new Map<string, number>();
  #byEndpoint = new Map<string, number>();
  #throttled = 0;
  #bytesUp = 0;
  #bytesDown = 0;

  countCall(user: { readonly name: string; readonly id: number } | undefined, endpoint: string): void {
    this.#total += 1;
    increment(this.#byUser, user?.name ?? 'anonymous');
    increment(this.#byUserId, user === undefined ? 'anonymous' : String(user.id));
    increment(this.#byEndpoint, endpoint);
  }

  countThrottled(): void {
    this.#throttled += 1;
  }

  countUp(bytes: number): void {
    this.#bytesUp += bytes;
  }

  countDown(bytes: number): void {
    this.#bytesDown += bytes;
  }

  reset(): void {
    this.#total = 0;
    this.#byUser = new Map();
    this.#byUserId = new Map();
    this.#byEndpoint = new Map();
    this.#throttled = 0;
    this.#bytesUp = 0;
    this.#bytesDown = 0;
  }

  report(openLongPolls: number): Record<string, unknown> {
    return {
      calls: {
        total: this.#total,
        by_user: Object.fromEntries(this.#byUser),
        by_user_id: Object.fromEntries(this.#byUserId),
        by_endpoint: Object.fromEntries(this.#byEndpoint),
      },
      throttled: this.#throttled,
      bytes_up: this.#bytesUp,
      bytes_down: this.#bytesDown,
      open_long_polls: openLongPolls,
    };
  }
}

function increment(counts: Map<string, number>, key: string): void {
  const known = counts.has(key) || counts.size < KEYS_MAX ? key : 'others';
  counts.set(known, (counts.get(known) ?? 0) + 1);
}
