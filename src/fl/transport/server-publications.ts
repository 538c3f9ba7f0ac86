import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { StateError } from '../../errors.ts';
import { runPaths, TASK_FILE } from '../round/run-folder.ts';
import type { ServerAction } from '../round/server-action.ts';
import type { ServerSettings } from '../round/settings.ts';
import { roundAccountPath } from './missed-rounds.ts';
import { publishFile } from './publish.ts';
import { aggregateFile } from './server-run.ts';
import type { ServerMeta } from './side-file.ts';
import { writeServerSettings, writeSideFile } from './side-file.ts';
import type { Workdir } from './workdir.ts';

export interface PublicationOptions {
  readonly workdir: Workdir;
  readonly run: string;
  /** The run's folder among the server's own results. */
  readonly results: string;
  /** The checkpoint to begin with; null starts every client from its own initial weights. */
  readonly startPoint: string | null;
  /** Write a start point so that it holds exactly the model. */
  readonly stripStartPoint: (source: string, output: string) => Promise<void>;
  readonly roundsCount: number;
  readonly settings: ServerSettings;
  readonly taskFile: string;
}

type Opening = Pick<Extract<ServerAction, { kind: 'open-round' }>, 'round' | 'final'>;

/** Puts the files that everybody reads into the run's folder. Guarantees: each may be put there twice. */
export class ServerPublications {
  readonly #options: PublicationOptions;

  constructor(options: PublicationOptions) {
    this.#options = options;
  }

  async restore({ file, round, final }: Extract<ServerAction, { kind: 'restore' }>): Promise<void> {
    const { workdir, run, settings } = this.#options;
    if (file === 'round') await this.openRound({ round, final });
    else if (file === 'meta')
      await writeSideFile(workdir, runPaths.serverMeta(run, round), await this.#metaOf(round, final));
    else if (file === 'settings') await writeServerSettings(workdir, runPaths.settings(run), settings);
    else await this.#restoreTask();
  }

  /** The task as it was when the run began. */
  async #restoreTask(): Promise<void> {
    const { workdir, run, results, taskFile } = this.#options;
    const kept = join(results, TASK_FILE);
    await workdir.write(runPaths.task(run), await readFile(existsSync(kept) ? kept : taskFile));
  }

  async openRound({ round, final }: Opening): Promise<void> {
    const { workdir, run, startPoint, stripStartPoint, results } = this.#options;
    const source = aggregateFile(this.#options.results, round - 1);
    if (round === 1) {
      if (startPoint === null) {
        await workdir.write(runPaths.noStartModel(run, 1), '');
        return;
      }
      await mkdir(results, { recursive: true });
      // Made when the run began; only its loss makes it necessary once more.
      if (!existsSync(source)) await stripStartPoint(startPoint, source);
    }
    if (!existsSync(source))
      throw new StateError({
        code: 'aggregate-missing',
        message: `the aggregate ${source} is gone, so round ${round} cannot be opened`,
      });
    // A start model was made by nobody here.
    if (round > 1)
      await writeSideFile(workdir, runPaths.serverMeta(run, round), await this.#metaOf(round, final));
    await publishFile(workdir, runPaths.aggregate(run, round), source);
  }

  async #metaOf(round: number, final: boolean): Promise<ServerMeta> {
    const base: ServerMeta = {
      made_in_round: round - 1,
      round,
      rounds_count: this.#options.roundsCount,
      final,
      participants: [],
      weights: {},
      refused: [],
      metrics: {},
      notes: [],
      seconds: 0,
      sha256: null,
      absences: [],
    };
    const path = roundAccountPath(this.#options.results, round - 1);
    if (!existsSync(path)) return base;
    return { ...base, ...(JSON.parse(await readFile(path, 'utf8')) as Partial<ServerMeta>) };
  }
}
