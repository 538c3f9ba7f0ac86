import { join } from 'node:path';
import { z } from 'zod';
import { createStateFile, loadState, type StateFile } from './state-file.ts';

/** So many checks of the same bytes the server may not survive: one end may have any reason, such as a power cut. */
export const DEATHS_MAX = 3;

/** An update whose check is under way, or whose check the server did not survive. */
const SUSPECT = z.object({
  round: z.number().int().nonnegative(),
  participant: z.string(),
  sha256: z.string(),
  size_bytes: z.number(),
});

type Suspect = z.infer<typeof SUSPECT>;

const UNSURVIVED = SUSPECT.extend({ deaths: z.number().int().positive() });
type Unsurvived = z.infer<typeof UNSURVIVED>;

const JOURNAL = z.object({
  checking: SUSPECT.nullable(),
  unsurvived: z.array(UNSURVIVED).default([]),
  /** Of an earlier version of this program, which tried nothing twice. */
  fatal: z.array(SUSPECT).default([]),
});

/** The name of the journal's file among a run's results. */
export const CHECK_JOURNAL_FILE = 'server.checks.json';
/** Updates that are remembered: the newest ones. */
const UNSURVIVED_MAX = 100;

/**
 * Remembers across restarts which update was being checked.
 *
 * Guarantees: it is noted before the check begins and forgotten after it, however that ends; a server that died in
 * between finds it at its next start; bytes in whose check it died three times are not checked again. One check at a time.
 */
export class CheckJournal {
  readonly #path: string;
  readonly #file: StateFile<Pick<z.infer<typeof JOURNAL>, 'checking' | 'unsurvived'>>;
  #unsurvived: readonly Unsurvived[] | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(results: string) {
    this.#path = join(results, CHECK_JOURNAL_FILE);
    this.#file = createStateFile(this.#path);
  }

  /**
   * Run a check that may take the whole program with it.
   *
   * Gives undefined, without running it, for bytes whose checks were not survived too often.
   */
  guard<Result>(suspect: Suspect, check: () => Promise<Result>): Promise<Result | undefined> {
    const turn = this.#last.then(() => this.#guard(suspect, check));
    this.#last = turn.catch(() => {});
    return turn;
  }

  async #guard<Result>(suspect: Suspect, check: () => Promise<Result>): Promise<Result | undefined> {
    this.#unsurvived ??= await this.#recall();
    const known = this.#unsurvived.find(({ sha256 }) => sha256 === suspect.sha256);
    if (known !== undefined && known.deaths >= DEATHS_MAX) return undefined;
    await this.#file.save({ checking: suspect, unsurvived: [...this.#unsurvived] });
    try {
      return await check();
    } finally {
      // Survived: what ended the lives before was something else.
      this.#unsurvived = this.#unsurvived.filter(({ sha256 }) => sha256 !== suspect.sha256);
      await this.#file.save({ checking: null, unsurvived: [...this.#unsurvived] });
    }
  }

  /** What earlier lives of this server left behind. */
  async #recall(): Promise<readonly Unsurvived[]> {
    const left = await loadState(this.#path, JOURNAL);
    if (left === undefined) return [];
    const { checking, unsurvived, fatal } = left;
    const all = [...fatal.map((each) => ({ ...each, deaths: DEATHS_MAX })), ...unsurvived];
    if (checking === null) return all.slice(-UNSURVIVED_MAX);
    const isSame = ({ sha256 }: Suspect) => sha256 === checking.sha256;
    const deaths = (all.find(isSame)?.deaths ?? 0) + 1;
    return [...all.filter((each) => !isSame(each)), { ...checking, deaths }].slice(-UNSURVIVED_MAX);
  }
}
