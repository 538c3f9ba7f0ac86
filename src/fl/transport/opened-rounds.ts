import { AGGREGATE_FILE, NO_START_MODEL_FILE, roundNumberOf, runPaths } from '../round/run-folder.ts';
import { mayServe } from '../round/server-ownership.ts';
import type { OwnedFiles } from './owned-files.ts';
import type { Workdir, WorkdirEntry } from './workdir.ts';

/** Names of the file that clients wait for. */
export const OPENING_FILES: readonly string[] = [AGGREGATE_FILE, NO_START_MODEL_FILE];

/**
 * The rounds of a run that its server opened, for one client.
 *
 * Guarantees: a round counts only in its turn, after the one before it; where it is known who wrote a file, also one
 * beyond a gap. However many folders others make there, a look lists few of them. Looks may overlap.
 */
export class OpenedRounds {
  readonly #workdir: Workdir;
  readonly #run: string;
  readonly #files: OwnedFiles;
  /** The newest round that was found open. */
  #newest: number | null = null;

  constructor(workdir: Workdir, run: string, files: OwnedFiles) {
    this.#workdir = workdir;
    this.#run = run;
    this.#files = files;
  }

  /** The server's file that opens a round, among the entries of the round's folder. */
  async openingAt(round: number, entries: readonly WorkdirEntry[]): Promise<WorkdirEntry | undefined> {
    const opening = entries.filter(({ name }) => OPENING_FILES.includes(name));
    const own = await this.#files.own(runPaths.round(this.#run, round), opening);
    return own.find(({ name }) => name === AGGREGATE_FILE) ?? own[0];
  }

  /** The newest round that is open; null before the first. */
  async newest(): Promise<number | null> {
    const folders = (await this.#workdir.list(runPaths.rounds(this.#run))).filter(
      ({ kind }) => kind === 'folder',
    );
    const numbers = folders
      .flatMap(({ name }) => roundNumberOf(name) ?? [])
      .sort((left, right) => left - right);
    let newest = this.#newest ?? (await this.#firstOf(numbers));
    if (newest === null) return null;
    const known = new Set(numbers);
    while (known.has(newest + 1) && (await this.#isOpen(newest + 1))) newest += 1;
    newest = (await this.#beyondGap(folders, newest)) ?? newest;
    // Another look, begun earlier or later, may have ended meanwhile: no round is counted twice, none is taken back.
    this.#newest = Math.max(newest, this.#newest ?? newest);
    return this.#newest;
  }

  async #firstOf(numbers: readonly number[]): Promise<number | null> {
    for (const number of numbers) if (await this.#isOpen(number)) return number;
    return null;
  }

  /** The newest round beyond the next one: only where its files have an owner, and in folders that others did not make. */
  async #beyondGap(folders: readonly WorkdirEntry[], newest: number): Promise<number | null> {
    const owner = await this.#files.owner();
    if (owner === null) return null;
    const numbers = folders
      .filter(({ createdBy }) => createdBy !== null && mayServe(owner, createdBy))
      .flatMap(({ name }) => roundNumberOf(name) ?? [])
      .filter((number) => number > newest + 1)
      .sort((left, right) => right - left);
    return this.#firstOf(numbers);
  }

  async #isOpen(round: number): Promise<boolean> {
    const entries = await this.#workdir.list(runPaths.round(this.#run, round));
    return (await this.openingAt(round, entries)) !== undefined;
  }
}
