import { access, constants, mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomically } from '../../atomic-file.ts';
import type { Clock } from '../../clock.ts';
import { ConfigError, errnoOf, StateError } from '../../errors.ts';
import { didYouMean } from '../../nearest-name.ts';
import { SERVER_RECORD } from '../round/record-schema.ts';
import type { Layout } from '../round/run-folder.ts';
import {
  isPlausibleRun,
  isRunFolderName,
  newestRun,
  runFolderName,
  runFolderTime,
  runPaths,
  TASK_FILE,
} from '../round/run-folder.ts';
import type { ServerRecord } from '../round/server-state.ts';
import { newServerState, reopenedRecord } from '../round/server-state.ts';
import type { ServerSettings } from '../round/settings.ts';
import { writeServerSettings } from './side-file.ts';
import { createStateFile, loadState } from './state-file.ts';
import { readTask } from './task-file.ts';
import type { Workdir } from './workdir.ts';

/** The name of the server's state file among a run's results. */
export const SERVER_STATE_FILE = 'server.state.json';
/** How many names, a second apart, are tried. */
const NAME_TRIES_MAX = 3_600;

/**
 * Which run to go on with: 'auto' takes the newest unless it ended, 'open' as well and begins none, 'newest' takes it also
 * when it was stopped, 'never' begins a new one; or a run's name.
 */
export type WhichRun = 'auto' | 'open' | 'newest' | 'never' | { readonly run: string };

interface StartOptions {
  readonly workdir: Workdir;
  readonly clock: Clock;
  /** Where the server keeps its own results, one folder per run. */
  readonly savePath: string;
  readonly taskFile: string;
  readonly settings: ServerSettings;
  /** Which shared folder this is: `<shared_dir_name>/<save_path>`. */
  readonly session: string;
  readonly layout: Layout;
  /** The checkpoint to begin with; null starts every client from its own initial weights. */
  readonly startPoint: string | null;
  /** Write a start point so that it holds exactly the model. */
  readonly stripStartPoint: (source: string, output: string) => Promise<void>;
  readonly resume: WhichRun;
}

interface StartedRun {
  readonly record: ServerRecord;
  readonly resumed: boolean;
}

async function ownRuns(savePath: string): Promise<readonly string[]> {
  try {
    return (await readdir(savePath)).filter(isRunFolderName);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  }
}

/** The newest of the server's own runs in this shared folder; one that a wrong clock named for later goes last. */
async function newestRecord({ savePath, session, clock }: StartOptions): Promise<ServerRecord | undefined> {
  let candidates = await ownRuns(savePath);
  while (candidates.length > 0) {
    const plausible = candidates.filter((name) => isPlausibleRun(name, clock.now()));
    const run = newestRun(plausible.length > 0 ? plausible : candidates);
    if (run === undefined) return undefined;
    const record = await loadState(join(savePath, run, SERVER_STATE_FILE), SERVER_RECORD);
    if (record?.session === session) return record;
    candidates = candidates.filter((name) => name !== run);
  }
  return undefined;
}

async function resumable(options: StartOptions): Promise<ServerRecord | undefined> {
  const { resume, savePath, workdir } = options;
  if (resume === 'never') return undefined;
  const record =
    typeof resume === 'object'
      ? await loadState(join(savePath, resume.run, SERVER_STATE_FILE), SERVER_RECORD)
      : await newestRecord(options);
  if (record === undefined) {
    if (resume === 'auto' || resume === 'open') return undefined;
    const near = typeof resume === 'object' ? didYouMean(resume.run, await ownRuns(savePath)) : '';
    const which = typeof resume === 'object' ? `run ${resume.run}` : 'a run';
    throw new StateError({
      code: 'nothing-to-resume',
      message: `${savePath} holds no state of ${which} to go on with${near}`,
    });
  }
  const top = await workdir.list(record.run);
  if (resume === 'auto' || resume === 'open') return isOpen(record, top.length > 0) ? record : undefined;
  return reopen(options, record, top.length > 0);
}

/** Whether a run goes on by itself; one without a folder does only when the server died before making it. */
function isOpen({ phase, participants }: ServerRecord, isThere: boolean): boolean {
  if (phase.kind === 'ended') return false;
  return isThere || (phase.kind === 'registering' && Object.keys(participants).length === 0);
}

/** A person asked for this run: whatever ended it, unless it was success, is taken back. */
async function reopen(options: StartOptions, record: ServerRecord, isThere: boolean): Promise<ServerRecord> {
  const { workdir } = options;
  if (!isThere)
    throw new StateError({
      code: 'run-folder-missing',
      message: `the run folder ${record.run} is not in ${workdir.description}`,
    });
  const reopened = reopenedRecord(record);
  if (reopened.phase.kind === 'ended')
    throw new StateError({
      code: 'run-finished',
      message: `run ${record.run} has finished; there is nothing left`,
    });
  if (reopened !== record) await workdir.remove(runPaths.ended(record.run));
  return reopened;
}

/** A name that comes after those of all runs: the clock may have been set back, or another zone's server was here. */
async function nextRunName({ workdir, savePath, clock }: StartOptions): Promise<string> {
  const now = clock.now();
  const folders = (await workdir.list('')).map(({ name }) => name);
  const taken = [...folders, ...(await ownRuns(savePath))].filter(isRunFolderName);
  const newest = newestRun(taken.filter((name) => isPlausibleRun(name, now)));
  const firstMs = newest === undefined ? now : Math.max(now, runFolderTime(newest));
  for (let second = 0; second < NAME_TRIES_MAX; second += 1) {
    const name = runFolderName(firstMs + second * 1000);
    const isLater = newest === undefined || (name !== newest && newestRun([newest, name]) === name);
    if (isLater && !taken.includes(name)) return name;
  }
  throw new StateError({ code: 'no-run-name', message: `no free run name in ${workdir.description}` });
}

/** Where the aggregate of `round` stands among a run's results; 0 is the start model. */
export function aggregateFile(results: string, round: number): string {
  return join(results, `${round}.aggregate.pt`);
}

/** Strip the start point before anybody hears of the run, so that what is wrong with it ends nobody's training. */
async function prepareStartModel({ startPoint, stripStartPoint, savePath }: StartOptions, run: string) {
  if (startPoint === null) return;
  await access(startPoint, constants.R_OK).catch((cause) => {
    throw new ConfigError({
      code: 'start-point-missing',
      message: `start_point: ${startPoint} cannot be read`,
      cause,
    });
  });
  await mkdir(join(savePath, run), { recursive: true });
  await stripStartPoint(startPoint, aggregateFile(join(savePath, run), 0));
}

/** Choose the run: an open one goes on, otherwise a new one gets its folder. Guarantees: cfg.json comes last. */
export async function startServerRun(options: StartOptions): Promise<StartedRun> {
  const { workdir, layout, taskFile } = options;
  const earlier = await resumable(options);
  if (earlier === undefined && options.resume === 'open')
    throw new StateError({
      code: 'no-open-run',
      message: 'no run of this configuration is open: none was begun, or it has ended already',
    });
  const task = await readTask(taskFile);
  const record = earlier ?? newServerState(options.session, await nextRunName(options), 0).record;
  // The state comes first: a death from here on leaves a run that the next start knows.
  const state = createStateFile<ServerRecord>(join(options.savePath, record.run, SERVER_STATE_FILE));
  if (earlier === undefined) {
    await prepareStartModel(options, record.run);
    await state.save(record);
    // What the run began with, for when somebody writes over the task in the folder.
    await writeFileAtomically(join(options.savePath, record.run, TASK_FILE), task);
  }
  // Made again on resume too: a crash may have come in the middle of this.
  await workdir.makeFolder(runPaths.authentications(record.run, layout));
  await workdir.makeFolder(runPaths.heartbeats(record.run));
  await writeServerSettings(workdir, runPaths.settings(record.run), options.settings);
  const hasTask = (await workdir.list(record.run)).some(({ name }) => name === 'cfg.json');
  if (!hasTask) await workdir.write(runPaths.task(record.run), task);
  return { record, resumed: earlier !== undefined };
}
