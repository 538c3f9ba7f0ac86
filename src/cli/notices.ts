import type { Logger } from '../logger.ts';
import type { Output } from './output.ts';

/** What a person should know while the program goes on; each thing has a key of its own. */
export class Notices {
  readonly #output: Output;
  readonly #standing = new Map<string, string>();
  #logger: Logger | undefined;

  constructor(output: Output) {
    this.#output = output;
  }

  /** From now on everything told is logged too. */
  logTo(logger: Logger): void {
    this.#logger = logger;
    for (const [key, notice] of this.#standing) this.#log(key, notice);
  }

  /** Tell something once; undefined: that is over. Guarantees: never throws. */
  readonly tell = (key: string, text: string | undefined): void => {
    if (text === this.#standing.get(key)) return;
    if (text === undefined) {
      this.#standing.delete(key);
      this.#logger?.info({ key }, 'a notice is over');
      return;
    }
    this.#standing.set(key, text);
    if (this.#output.json) this.#output.document({ event: 'notice', key, text });
    this.#output.note(text);
    this.#log(key, text);
  };

  /** What is told and not over, by key. */
  get standing(): ReadonlyMap<string, string> {
    return this.#standing;
  }

  #log(key: string, notice: string): void {
    // That the log cannot be written is nothing to be written there.
    if (key !== 'log') this.#logger?.warn({ key, notice }, 'going on without a convenience');
  }
}
