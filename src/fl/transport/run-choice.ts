import {
  ENDED_FILE,
  isPlausibleRun,
  isRunFolderName,
  newestRun,
  RUN_AHEAD_MAX_MS,
  runFolderTime,
  TASK_FILE,
} from '../round/run-folder.ts';
import type { ForeignFile } from '../round/server-ownership.ts';
import { foreignWriter, mayServe, ownerOf } from '../round/server-ownership.ts';
import type { Workdir } from './workdir.ts';

/** A run as a client that looks for one sees it. */
export interface VisibleRun {
  readonly name: string;
  readonly ended: boolean;
}

/** By what a run is chosen. */
export interface RunChoice {
  /** Units: milliseconds since 1970; absent takes runs of any time. */
  readonly nowMs?: number;
  /** The server's account, where this site names it: other accounts' runs are none. */
  readonly named?: string | null;
  /** Called with a run that another account than the named one made. */
  readonly onForeign?: (run: ForeignFile) => void;
}

/**
 * The newest run that a server has finished setting up; undefined when there is none yet.
 *
 * Names are times of some machine's clock, which may have been set back, in some time zone: one that has not ended goes
 * before one that has, where their names lie no further apart than clocks do.
 */
export async function findNewestRun(
  workdir: Workdir,
  choice: RunChoice = {},
): Promise<VisibleRun | undefined> {
  const { nowMs, named = null, onForeign } = choice;
  const folders = new Map(
    (await workdir.list(''))
      .filter(({ kind, name }) => kind === 'folder' && isRunFolderName(name))
      .map((entry) => [entry.name, entry] as const),
  );
  let candidates = [...folders.keys()].filter((name) => nowMs === undefined || isPlausibleRun(name, nowMs));
  let newestFound: VisibleRun | undefined;
  // A newest folder without its task is a server that is just starting; whoever starts later comes first.
  while (candidates.length > 0) {
    const newest = newestRun(candidates);
    if (newest === undefined || isFarBefore(newest, newestFound)) break;
    const found = await runAt(workdir, newest, {
      folder: folders.get(newest)?.createdBy ?? null,
      named,
      onForeign,
    });
    if (found?.ended === false) return found;
    newestFound ??= found;
    candidates = candidates.filter((name) => name !== newest);
  }
  return newestFound;
}

/** Whether no clock can have named the one run after the other began. */
function isFarBefore(name: string, other: VisibleRun | undefined): boolean {
  return other !== undefined && runFolderTime(other.name) - runFolderTime(name) > RUN_AHEAD_MAX_MS;
}

async function runAt(
  workdir: Workdir,
  run: string,
  {
    folder,
    named,
    onForeign,
  }: {
    readonly folder: ForeignFile['by'] | null;
    readonly named: string | null;
    readonly onForeign: RunChoice['onForeign'] | undefined;
  },
): Promise<VisibleRun | undefined> {
  const entries = await workdir.list(run);
  const task = entries.find(({ name }) => name === TASK_FILE);
  if (task === undefined) return undefined;
  const owner = workdir.identifies ? ownerOf(named, folder, task) : null;
  const maker = folder ?? task.createdBy;
  if (maker !== null && !mayServe(owner, maker)) {
    onForeign?.({ path: run, by: maker });
    return undefined;
  }
  const isEnd = (entry: (typeof entries)[number]) =>
    entry.name === ENDED_FILE && foreignWriter(owner, entry) === null;
  return { name: run, ended: entries.some(isEnd) };
}
