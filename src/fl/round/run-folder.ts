/** How a run folder names its authentications: as kMoL's guide documents it, or as kMoL's code writes it. */
export type Layout = 'documented' | 'kmol';

/** Both layouts, in the order in which they are read. */
export const LAYOUTS = ['documented', 'kmol'] as const satisfies readonly Layout[];

/** Where each layout keeps the authentication files, and how they end. */
export const AUTHENTICATION: Readonly<Record<Layout, { readonly folder: string; readonly suffix: string }>> =
  {
    documented: { folder: 'authentications', suffix: '_authentication.txt' },
    kmol: { folder: 'authentifications', suffix: '_authentification.txt' },
  };

export const HEARTBEAT_FOLDER = 'heartbeats';
export const HEARTBEAT_SUFFIX = '_heartbeat.txt';
export const LOST_SUFFIX = '.lost_connection';
export const DEPARTED_SUFFIX = '.departed';
export const UPDATE_SUFFIX = '.pt';
export const META_SUFFIX = '.meta.json';
export const REFUSED_SUFFIX = '.refused.json';
export const FAILED_SUFFIX = '.failed.json';
export const TASK_FILE = 'cfg.json';
export const ENDED_FILE = 'server_ended.txt';
export const AGGREGATE_FILE = 'server.agg';
/** What the server goes by; kMoL's programs ignore it. */
export const SETTINGS_FILE = 'server.settings.json';
/** The server's sign of life; kMoL's programs ignore it. */
export const STATUS_FILE = 'server.status.json';
export const SERVER_META_FILE = 'server.meta.json';
/** Stands in a first round's folder instead of an aggregate when there is no start model. */
export const NO_START_MODEL_FILE = 'no_starting_model.info';

/** The paths inside one run's folder. */
export const runPaths = {
  task: (run: string) => `${run}/${TASK_FILE}`,
  settings: (run: string) => `${run}/${SETTINGS_FILE}`,
  status: (run: string) => `${run}/${STATUS_FILE}`,
  ended: (run: string) => `${run}/${ENDED_FILE}`,
  authentications: (run: string, layout: Layout) => `${run}/${AUTHENTICATION[layout].folder}`,
  authentication: (run: string, layout: Layout, name: string) =>
    `${run}/${AUTHENTICATION[layout].folder}/${name}${AUTHENTICATION[layout].suffix}`,
  heartbeats: (run: string) => `${run}/${HEARTBEAT_FOLDER}`,
  heartbeat: (run: string, name: string) => `${run}/${HEARTBEAT_FOLDER}/${name}${HEARTBEAT_SUFFIX}`,
  lost: (run: string, name: string) => `${run}/${name}${LOST_SUFFIX}`,
  departed: (run: string, name: string) => `${run}/${name}${DEPARTED_SUFFIX}`,
  rounds: (run: string) => `${run}/rounds`,
  round: (run: string, round: number) => `${run}/rounds/round_${round}`,
  aggregate: (run: string, round: number) => `${run}/rounds/round_${round}/${AGGREGATE_FILE}`,
  noStartModel: (run: string, round: number) => `${run}/rounds/round_${round}/${NO_START_MODEL_FILE}`,
  /** The account of how the model that opens `round` was made: it stands in the round whose updates went into it. */
  serverMeta: (run: string, round: number) => `${run}/rounds/round_${round - 1}/${SERVER_META_FILE}`,
  update: (run: string, round: number, name: string) =>
    `${run}/rounds/round_${round}/${participantKey(name)}${UPDATE_SUFFIX}`,
  updateMeta: (run: string, round: number, name: string) =>
    `${run}/rounds/round_${round}/${participantKey(name)}${META_SUFFIX}`,
  failed: (run: string, round: number, name: string) =>
    `${run}/rounds/round_${round}/${participantKey(name)}${FAILED_SUFFIX}`,
  refused: (run: string, round: number, name: string) =>
    `${run}/rounds/round_${round}/${participantKey(name)}${REFUSED_SUFFIX}`,
};

/** The stem of a file name that ends in `suffix`; undefined for every other name. */
export function stemOf(fileName: string, suffix: string): string | undefined {
  return fileName.endsWith(suffix) && fileName.length > suffix.length
    ? fileName.slice(0, -suffix.length)
    : undefined;
}

/** What makes two names the same participant: updates carry the name in lower case. */
export function participantKey(name: string): string {
  return name.normalize('NFC').toLowerCase();
}

const NAME = /^[\p{L}\p{N}_](?:[\p{L}\p{N}_ -]{0,62}[\p{L}\p{N}_-])?$/u;
/** Names that stand for the server's own files. */
const RESERVED_NAMES = new Set(['server', 'no_starting_model']);

/** Why a name cannot be a participant's; undefined when it can. */
export function nameProblem(name: string): string | undefined {
  if (!NAME.test(name))
    return 'a participant name is 1 to 64 letters, digits, "_", "-" or inner spaces, without dots or slashes';
  if (RESERVED_NAMES.has(participantKey(name))) return `the name "${name}" is the server's own`;
  return undefined;
}

const two = (value: number) => String(value).padStart(2, '0');

/** The folder name of a run that starts at `atMs`: local time, as kMoL's code writes it. */
export function runFolderName(atMs: number): string {
  const at = new Date(atMs);
  const date = `${String(at.getFullYear()).padStart(4, '0')}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  return `${date}_${two(at.getHours())}-${two(at.getMinutes())}-${two(at.getSeconds())}`;
}

const RUN_NAME = /^\d{4}-\d{2}-\d{2}_\d{2}-\d{2}(?:-\d{2})?$/;

/** Whether a folder's name is a run's, to the second or, as the guide shows it, to the minute. */
export function isRunFolderName(name: string): boolean {
  return RUN_NAME.test(name);
}

/** The newest of some run folders by name; names to the minute count as that minute's first second. */
export function newestRun(names: readonly string[]): string | undefined {
  return newestFirst(names)[0];
}

/** The runs among some names of folders, the newest first. */
export function newestFirst(names: readonly string[]): readonly string[] {
  const sortable = (name: string) => (name.length === 16 ? `${name}-00` : name);
  return names.filter(isRunFolderName).sort((left, right) => (sortable(left) < sortable(right) ? 1 : -1));
}

/** How far a run's name may lie in the future: clocks and time zones differ, by a day at most. Units: milliseconds. */
export const RUN_AHEAD_MAX_MS = 86_400_000;

/** Whether a run's name says a time that some clock, in some time zone, may show now. */
export function isPlausibleRun(name: string, nowMs: number): boolean {
  const latest = runFolderName(nowMs + RUN_AHEAD_MAX_MS);
  return newestRun([name, latest]) === latest;
}

/** The time that a run's name says, in this machine's time zone. Units: milliseconds since 1970. */
export function runFolderTime(name: string): number {
  const [year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0] = name.split(/[-_]/).map(Number);
  return new Date(year, month - 1, day, hour, minute, second).getTime();
}

const ROUND_NAME = /^round_([1-9]\d{0,6})$/;

/** The number in a round folder's name; undefined for every other name. */
export function roundNumberOf(folderName: string): number | undefined {
  const match = ROUND_NAME.exec(folderName);
  return match?.[1] === undefined ? undefined : Number(match[1]);
}
