import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../clock.ts';
import { messageOf } from '../../errors.ts';
import { inspectRun } from '../../fl/inspection/inspect-run.ts';
import { scanRun } from '../../fl/inspection/scan-run.ts';
import type { ListedRun } from '../../fl/report/runs-page.ts';
import { newestFirst } from '../../fl/round/run-folder.ts';
import { type Watcher, watchLoop } from '../watch-loop.ts';

/** The runs of a folder. */
export interface RunList {
  readonly folder: string;
  /** Newest first. */
  readonly runs: readonly ListedRun[];
  /** How many older ones there are. */
  readonly more: number;
}

/** A list of more runs than these helps nobody. */
const RUNS_MAX = 100;
/** A run that has ended, or in which nothing moved for this long, is looked at this seldom. Units: milliseconds. */
const REST_MS = 30_000;

interface Known {
  readonly run: ListedRun;
  readonly atMs: number;
}

/** The names of a folder's runs, newest first. Errors: those of the system. */
export async function runNamesIn(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  return newestFirst(entries.filter((entry) => entry.isDirectory()).map(({ name }) => name));
}

/** Looks at every run of a folder, at those that rest less often. */
class RunLister {
  readonly #folder: string;
  readonly #clock: Clock;
  readonly #known = new Map<string, Known>();

  constructor(folder: string, clock: Clock) {
    this.#folder = folder;
    this.#clock = clock;
  }

  async list(): Promise<RunList> {
    const names = await runNamesIn(this.#folder);
    const runs: ListedRun[] = [];
    for (const name of names.slice(0, RUNS_MAX)) runs.push(await this.#run(name));
    return { folder: this.#folder, runs, more: Math.max(0, names.length - RUNS_MAX) };
  }

  forget(): void {
    this.#known.clear();
  }

  async #run(name: string): Promise<ListedRun> {
    const known = this.#known.get(name);
    const atMs = this.#clock.monotonic();
    if (known !== undefined && this.#rests(known.run) && atMs - known.atMs < REST_MS) return known.run;
    const run = await this.#look(name);
    this.#known.set(name, { run, atMs });
    return run;
  }

  #rests({ inspection }: ListedRun): boolean {
    if (inspection === null) return false;
    const silentMs = inspection.inspectedAtMs - (inspection.lastActivityAtMs ?? inspection.inspectedAtMs);
    return inspection.ending.kind !== 'open' || silentMs > REST_MS * 10;
  }

  async #look(name: string): Promise<ListedRun> {
    try {
      const run = await scanRun(join(this.#folder, name));
      const nowMs = this.#clock.now();
      return {
        name,
        inspection: inspectRun({ run, facts: null, findings: new Map(), nowMs }),
        problem: null,
      };
    } catch (error) {
      return { name, inspection: null, problem: messageOf(error) };
    }
  }
}

/** Look at the runs of a folder again and again, until the signal is aborted. */
export async function watchRuns(folder: string, watcher: Watcher<RunList>): Promise<void> {
  const lister = new RunLister(folder, watcher.clock);
  await watchLoop({ next: () => lister.list(), forget: () => lister.forget(), isLast: () => false }, watcher);
}
