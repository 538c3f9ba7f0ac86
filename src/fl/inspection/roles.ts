import { TEMPORARY_SUFFIX } from '../../atomic-file.ts';
import {
  AGGREGATE_FILE,
  AUTHENTICATION,
  DEPARTED_SUFFIX,
  ENDED_FILE,
  FAILED_SUFFIX,
  HEARTBEAT_FOLDER,
  HEARTBEAT_SUFFIX,
  LAYOUTS,
  type Layout,
  LOST_SUFFIX,
  META_SUFFIX,
  NO_START_MODEL_FILE,
  REFUSED_SUFFIX,
  roundNumberOf,
  SERVER_META_FILE,
  SETTINGS_FILE,
  STATUS_FILE,
  stemOf,
  TASK_FILE,
  UPDATE_SUFFIX,
} from '../round/run-folder.ts';

/** What a file is for, by its place and its name. */
export type Role =
  | { readonly kind: 'task' | 'settings' | 'status' | 'ended' | 'half-written' | 'system' | 'unexpected' }
  | { readonly kind: 'authentication'; readonly layout: Layout; readonly name: string }
  | { readonly kind: 'heartbeat' | 'lost' | 'departed'; readonly name: string }
  | { readonly kind: 'aggregate' | 'no-start-model' | 'server-meta'; readonly round: number }
  | {
      readonly kind: 'update' | 'meta' | 'refused' | 'failed';
      readonly round: number;
      /** The participant's name as files of a round spell it. */
      readonly key: string;
    };

/** Folders that a run has; nothing else is looked into. */
const FOLDERS: ReadonlySet<string> = new Set([
  '',
  HEARTBEAT_FOLDER,
  'rounds',
  ...LAYOUTS.map((layout) => AUTHENTICATION[layout].folder),
]);

/** Names that operating systems and other sync programs leave behind. */
const SYSTEM_NAMES: ReadonlySet<string> = new Set(['.DS_Store', 'desktop.ini', 'Thumbs.db']);

const ROUND_SUFFIXES = [
  ['update', UPDATE_SUFFIX],
  ['meta', META_SUFFIX],
  ['refused', REFUSED_SUFFIX],
  ['failed', FAILED_SUFFIX],
] as const;

const UNEXPECTED: Role = { kind: 'unexpected' };

/** Whether a folder belongs to a run, so that a look into it makes sense. */
export function isRunFolder(path: string): boolean {
  return FOLDERS.has(path) || roundOf(path) !== undefined;
}

/** The round whose folder this is; undefined for every other folder. */
export function roundOf(path: string): number | undefined {
  return path.startsWith('rounds/') ? roundNumberOf(path.slice('rounds/'.length)) : undefined;
}

function roleInRound(round: number, name: string): Role {
  if (name === AGGREGATE_FILE) return { kind: 'aggregate', round };
  if (name === NO_START_MODEL_FILE) return { kind: 'no-start-model', round };
  if (name === SERVER_META_FILE) return { kind: 'server-meta', round };
  for (const [kind, suffix] of ROUND_SUFFIXES) {
    const key = stemOf(name, suffix);
    if (key !== undefined) return { kind, round, key };
  }
  return UNEXPECTED;
}

function roleAtTop(name: string): Role {
  if (name === TASK_FILE) return { kind: 'task' };
  if (name === SETTINGS_FILE) return { kind: 'settings' };
  if (name === STATUS_FILE) return { kind: 'status' };
  if (name === ENDED_FILE) return { kind: 'ended' };
  const lost = stemOf(name, LOST_SUFFIX);
  if (lost !== undefined) return { kind: 'lost', name: lost };
  const departed = stemOf(name, DEPARTED_SUFFIX);
  return departed === undefined ? UNEXPECTED : { kind: 'departed', name: departed };
}

/** What the file at a path below the run folder is for. */
export function roleOf(path: string): Role {
  const cut = path.lastIndexOf('/');
  const folder = cut < 0 ? '' : path.slice(0, cut);
  const name = path.slice(cut + 1);
  if (name.endsWith(TEMPORARY_SUFFIX)) return { kind: 'half-written' };
  if (SYSTEM_NAMES.has(name)) return { kind: 'system' };
  if (folder === '') return roleAtTop(name);
  const round = roundOf(folder);
  if (round !== undefined) return roleInRound(round, name);
  if (folder === HEARTBEAT_FOLDER) {
    const beating = stemOf(name, HEARTBEAT_SUFFIX);
    return beating === undefined ? UNEXPECTED : { kind: 'heartbeat', name: beating };
  }
  for (const layout of LAYOUTS) {
    const claimed = stemOf(name, AUTHENTICATION[layout].suffix);
    if (folder === AUTHENTICATION[layout].folder && claimed !== undefined)
      return { kind: 'authentication', layout, name: claimed };
  }
  return UNEXPECTED;
}
