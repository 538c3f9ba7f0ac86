import { join } from 'node:path';
import { z } from 'zod';
import { createStateFile, loadState, type StateFile } from './state-file.ts';

/** An update whose check is under way, or whose check the server did not survive. */
const SUSPECT = z.object({
  round: z.number().int().nonnegative(),
  participant: z.string(),
  sha256: z.string(),
  size_bytes: z.number(),
});

type Suspect = z.infer<typeof SUSPECT>;

const JOURNAL = z.object({ checking: SUSPECT.nullable(), fatal: z.array(SUSPECT) });

/** The name of the journal's file among a run's results. */
export const CHECK_JOURNAL_FILE = 'server.checks.json';
/** Updates that are remembered as fatal: the newest ones. */
const FATAL_MAX = 100;

/**
 * Remembers across restarts which update was being checked.
 *
 * Guarantees: it is noted before the check begins and forgotten after it, however that ends; a server that died in
 * between finds it at its next start, and the same bytes are not checked again. One check at a time.
 */
export class CheckJournal {
  readonly #path: string;
  readonly #file: StateFile<z.infer<typeof JOURNAL>>;
  #fatal: readonly Suspect[] | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(results: string) {
    this.#path = join(results, CHECK_JOURNAL_FILE);
    this.#file = createStateFile(this.#path);
  }

  /**
   * Run a check that may take the whole program with it.
   *
   * Gives undefined, without running it, for bytes that an earlier check did not survive.
   */
  guard<Result>(suspect: Suspect, check: () => Promise<Result>): Promise<Result | undefined> {
    const turn = this.#last.then(() => this.#guard(suspect, check));
    this.#last = turn.catch(() => {});
    return turn;
  }

  async #guard<Result>(suspect: Suspect, check: () => Promise<Result>): Promise<Result | undefined> {
    this.#fatal ??= await this.#recall();
    const fatal = this.#fatal;
    if (fatal.some(({ sha256 }) => sha256 === suspect.sha256)) return undefined;
    await this.#file.save({ checking: suspect, fatal: [...fatal] });
    try {
      return await check();
    } finally {
      await this.#file.save({ checking: null, fatal: [...fatal] });
    }
  }

  /** What an earlier life of this server left behind. */
  async #recall(): Promise<readonly Suspect[]> {
    const left = await loadState(this.#path, JOURNAL);
    if (left === undefined) return [];
    const { checking, fatal } = left;
    return (checking === null ? fatal : [...fatal, checking]).slice(-FATAL_MAX);
  }
}
