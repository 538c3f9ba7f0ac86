import { ENDED_FILE, isRunFolderName, newestRun, runFolderName, TASK_FILE } from '../round/run-folder.ts';
import type { ForeignFile } from '../round/server-ownership.ts';
import { foreignWriter, mayServe, ownerOf } from '../round/server-ownership.ts';
import type { Workdir } from './workdir.ts';

/** A run as a client that looks for one sees it. */
export interface VisibleRun {
  readonly name: string;
  readonly ended: boolean;
}

/** How far a run's name may lie in the future: clocks and time zones differ, by a day at most. Units: milliseconds. */
const AHEAD_MAX_MS = 86_400_000;

/** By what a run is chosen. */
export interface RunChoice {
  /** Units: milliseconds since 1970; absent takes runs of any time. */
  readonly nowMs?: number;
  /** The server's account, where this site names it: other accounts' runs are none. */
  readonly named?: string | null;
  /** Called with a run that another account than the named one made. */
  readonly onForeign?: (run: ForeignFile) => void;
}

/** The newest run that a server has finished setting up; undefined when there is none yet. */
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
  // Names are times, and sort as such.
  const latest = nowMs === undefined ? undefined : runFolderName(nowMs + AHEAD_MAX_MS);
  let candidates = [...folders.keys()].filter(
    (name) => latest === undefined || newestRun([name, latest]) === latest,
  );
  // A newest folder without its task is a server that is just starting; whoever starts later comes first.
  while (candidates.length > 0) {
    const newest = newestRun(candidates);
    if (newest === undefined) return undefined;
    const found = await runAt(workdir, newest, {
      folder: folders.get(newest)?.createdBy ?? null,
      named,
      onForeign,
    });
    if (found !== undefined) return found;
    candidates = candidates.filter((name) => name !== newest);
  }
  return undefined;
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
