import {
  ENDED_FILE,
  LOST_SUFFIX,
  REFUSED_SUFFIX,
  roundNumberOf,
  runPaths,
  SERVER_META_FILE,
  SETTINGS_FILE,
  STATUS_FILE,
  stemOf,
  TASK_FILE,
} from '../round/run-folder.ts';
import type { ObservedForeign } from '../round/server-observation.ts';
import type { RunOwner } from '../round/server-ownership.ts';
import { foreignVersion, mayServe, ownerOf } from '../round/server-ownership.ts';
import { OPENING_FILES } from './opened-rounds.ts';
import type { Workdir, WorkdirEntry } from './workdir.ts';

type Remedy = ObservedForeign['remedy'];

/** How the server answers somebody else's file of this name in the run's folder; undefined for names not the server's. */
function remedyAtTop(name: string): Remedy | undefined {
  if (name === TASK_FILE) return { kind: 'task' };
  if (name === SETTINGS_FILE) return { kind: 'settings' };
  // A foreign sign of life counts for nobody, and the server's own comes when it is due.
  return name === ENDED_FILE || name === STATUS_FILE || name.endsWith(LOST_SUFFIX) ? null : undefined;
}

/** The same in a round's folder. */
function remedyInRound(name: string, opensWith: string): Remedy | undefined {
  if (OPENING_FILES.includes(name)) return name === opensWith ? { kind: 'round' } : null;
  const key = stemOf(name, REFUSED_SUFFIX);
  return key === undefined ? undefined : { kind: 'refusal', key };
}

/** Finds, for the server itself, files of its run under its names that another account wrote. */
export class ForeignServerFiles {
  readonly #workdir: Workdir;
  readonly #run: string;
  #owner: RunOwner | null = null;
  #noted: ObservedForeign[] = [];
  #turn = 0;

  constructor(workdir: Workdir, run: string) {
    this.#workdir = workdir;
    this.#run = run;
  }

  /** This server's account, or else the one that made its run; null where nobody can tell. */
  async owner(top: readonly WorkdirEntry[]): Promise<RunOwner | null> {
    if (!this.#workdir.identifies) return null;
    const account = this.#workdir.account?.() ?? null;
    if (account !== null) return { kind: 'account', account };
    if (this.#owner === null) {
      const folder = (await this.#workdir.list('')).find(({ name }) => name === this.#run);
      this.#owner = ownerOf(
        null,
        folder?.createdBy,
        top.find(({ name }) => name === TASK_FILE),
      );
    }
    return this.#owner;
  }

  /** Remember an entry that was found on the way. */
  note(path: string, entry: WorkdirEntry, remedy: Remedy, owner: RunOwner | null): void {
    const by = foreignVersion(owner, entry);
    if (by !== null) this.#noted.push({ path, by, version: entry.version, remedy });
  }

  /** What stands in the run's folder and in those of the present round, and what was noted since the last time. */
  async find(
    top: readonly WorkdirEntry[],
    round: number | null,
    owner: RunOwner | null,
  ): Promise<readonly ObservedForeign[]> {
    if (owner !== null) {
      for (const entry of top)
        this.#judge(`${this.#run}/${entry.name}`, entry, remedyAtTop(entry.name), owner);
      await this.#judgeMaker(owner);
      if (round !== null) await this.#judgeRound(round, owner);
    }
    const found = this.#noted;
    this.#noted = [];
    return found;
  }

  #judge(path: string, entry: WorkdirEntry, remedy: Remedy | undefined, owner: RunOwner): void {
    if (remedy !== undefined && entry.kind === 'file') this.note(path, entry, remedy, owner);
  }

  /** A run's folder that somebody else made under the same name: clients take that account for the server. */
  async #judgeMaker(owner: RunOwner): Promise<void> {
    const folder = (await this.#workdir.list('')).find(({ name }) => name === this.#run);
    const maker = folder?.createdBy ?? null;
    if (maker !== null && !mayServe(owner, maker))
      this.#noted.push({ path: this.#run, by: maker, version: '', remedy: null });
  }

  /** One of the rounds that nobody has opened yet, each in its turn: the server has nothing there. */
  async #judgeBeyond(round: number, owner: RunOwner): Promise<void> {
    const beyond = (await this.#workdir.list(runPaths.rounds(this.#run)))
      .flatMap(({ kind, name }) => (kind === 'folder' ? (roundNumberOf(name) ?? []) : []))
      .filter((number) => number > round);
    const number = beyond[this.#turn % Math.max(1, beyond.length)];
    this.#turn += 1;
    if (number === undefined) return;
    const folder = runPaths.round(this.#run, number);
    for (const entry of await this.#workdir.list(folder))
      this.#judge(
        `${folder}/${entry.name}`,
        entry,
        OPENING_FILES.includes(entry.name) ? null : undefined,
        owner,
      );
  }

  async #judgeRound(round: number, owner: RunOwner): Promise<void> {
    const folder = runPaths.round(this.#run, round);
    const entries = await this.#workdir.list(folder);
    const hasOwn = entries.find(
      (entry) => OPENING_FILES.includes(entry.name) && foreignVersion(owner, entry) === null,
    );
    const opening = entries.filter(({ name }) => OPENING_FILES.includes(name));
    // Beside the server's own, another way to open the round is nothing of the server's.
    const opensWith = hasOwn === undefined ? (opening[0]?.name ?? '') : hasOwn.name;
    for (const entry of entries)
      this.#judge(`${folder}/${entry.name}`, entry, remedyInRound(entry.name, opensWith), owner);
    await this.#judgeBeyond(round, owner);
    if (round < 2) return;
    const before = runPaths.round(this.#run, round - 1);
    for (const entry of await this.#workdir.list(before))
      if (entry.name === SERVER_META_FILE)
        this.#judge(`${before}/${entry.name}`, entry, { kind: 'meta' }, owner);
  }
}
