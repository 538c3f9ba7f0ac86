import { createHash } from 'node:crypto';

/** What happened in a simulation, in order: kept for people, hashed for comparing two runs. */
export class Trace {
  readonly lines: string[] = [];
  readonly #hash = createHash('sha256');
  readonly #now: () => number;
  readonly #keep: boolean;

  constructor(now: () => number, keep: boolean) {
    this.#now = now;
    this.#keep = keep;
  }

  note(who: string, what: string): void {
    const line = `${this.#now().toFixed(0).padStart(9)} ${who} ${what}`;
    this.#hash.update(line);
    if (this.#keep) this.lines.push(line);
  }

  /** Equal for two runs in which the same things happened at the same times. */
  digest(): string {
    return this.#hash.copy().digest('hex').slice(0, 16);
  }
}
