import { AUTHENTICATION, HEARTBEAT_FOLDER, isRunFolderName, LAYOUTS } from '../round/run-folder.ts';
import type { Catalogue, RunFile } from './catalogue.ts';
import type { Irregularities } from './irregularity.ts';

/** Last heartbeats may cross the end; what comes later than this is remarkable. Units: milliseconds. */
const AFTER_END_MS = 300_000;
/** How long after the end its server may still be writing the final model. Units: milliseconds. */
const FINAL_MODEL_MS = 3_600_000;
/** Time zones, which a folder's name leaves open, differ by no more than this. Units: milliseconds. */
const NAME_TOLERANCE_MS = 26 * 3_600_000;

/** Tell of a task that is missing or no JSON. */
export function checkTask(task: RunFile | null, irregularities: Irregularities): void {
  if (task === null) irregularities.add('error', 'no-task', '', 'cfg.json is missing');
  if (task === null || task.text === null) return;
  try {
    JSON.parse(task.text);
  } catch {
    irregularities.add('error', 'malformed-task', task.path, 'it is not JSON');
  }
}

/** Tell of folders that are missing, and of a run folder that is not named like one. */
export function checkFolders({ folders }: Catalogue, name: string, irregularities: Irregularities): void {
  if (!isRunFolderName(name))
    irregularities.add('note', 'unusual-name', '', `"${name}" is no run's name (YYYY-MM-DD_hh-mm-ss)`);
  const layouts = LAYOUTS.filter((layout) => folders.has(AUTHENTICATION[layout].folder));
  if (layouts.length === 0)
    irregularities.add('error', 'no-authentications', '', 'the folder of authentications is missing');
  if (layouts.length > 1)
    irregularities.add('note', 'two-layouts', '', 'authentications/ and authentifications/ both exist');
  for (const folder of [HEARTBEAT_FOLDER, 'rounds'])
    if (!folders.has(folder))
      irregularities.add('warning', 'folder-missing', folder, 'the folder is missing');
}

/** Every file by which somebody left a trace in a run. */
export function tracesIn({
  task,
  ended,
  status,
  authentications,
  heartbeats,
  lost,
  rounds,
}: Catalogue): readonly RunFile[] {
  return [
    ...[task, ended, status].filter((file) => file !== null),
    ...authentications.map(({ file }) => file),
    ...heartbeats.values(),
    ...lost.values(),
    ...[...rounds.values()].flatMap(({ aggregate, noStartModel, serverMeta, update, meta }) => [
      ...[aggregate, noStartModel, serverMeta].filter((file) => file !== null),
      ...update.values(),
      ...meta.values(),
    ]),
  ];
}

/** The latest time of some files. */
export const latest = (files: readonly RunFile[]) => files.reduce((max, { atMs }) => Math.max(max, atMs), 0);

/** When the run was over: its end and the final model that follows, or the last sign of life. */
export function untilOf(
  catalogue: Catalogue,
  traces: readonly RunFile[],
  irregularities: Irregularities,
): number {
  const { ended, rounds } = catalogue;
  if (ended === null) return latest(traces);
  const last = [...rounds.keys()].reduce((max, round) => Math.max(max, round), 0);
  const final = rounds.get(last)?.aggregate ?? null;
  const untilMs = final !== null && isSoonAfter(final, ended) ? Math.max(final.atMs, ended.atMs) : ended.atMs;
  for (const { path, atMs } of traces) {
    if (atMs > untilMs + AFTER_END_MS)
      irregularities.add('warning', 'after-the-end', path, 'it changed after the run had ended');
  }
  return untilMs;
}

function isSoonAfter(file: RunFile, other: RunFile): boolean {
  return file.atMs - other.atMs < FINAL_MODEL_MS;
}

/** A copy that did not keep the files' times tells when it was made, not when the run was. */
export function checkTimes(name: string, startedAtMs: number | null, irregularities: Irregularities): void {
  const named = /^(\d{4})-(\d{2})-(\d{2})_(\d{2})-(\d{2})/.exec(name);
  if (startedAtMs === null || named === null) return;
  const [year = 0, month = 1, day = 1, hour = 0, minute = 0] = named.slice(1).map(Number);
  if (Math.abs(startedAtMs - Date.UTC(year, month - 1, day, hour, minute)) > NAME_TOLERANCE_MS)
    irregularities.add(
      'note',
      'times-not-kept',
      '',
      "the files' times do not fit the folder's name: the copy did not keep them, and durations mean little",
    );
}
