import type { Layout } from '../round/run-folder.ts';
import type { Irregularities } from './irregularity.ts';
import type { IndexFacts, ObservedEntry, ObservedRun, StoredFile } from './observed-run.ts';
import { isRunFolder, type Role, roleOf, roundOf } from './roles.ts';

/** One file of a run, from the disk, from the index, or from both. */
export interface RunFile {
  readonly path: string;
  readonly sizeBytes: number;
  /** When its present content was written, by its writer's clock where the copy kept it. */
  readonly writtenAtMs: number;
  /** When it stood in the shared folder: by the service's clock where it tells. */
  readonly atMs: number;
  readonly text: string | null;
  readonly unread: string | null;
  readonly stored: StoredFile | null;
  /** False for a file that a mount knows by name only. */
  readonly present: boolean;
}

/** The files of one round. */
export interface RoundFiles {
  readonly round: number;
  aggregate: RunFile | null;
  noStartModel: RunFile | null;
  serverMeta: RunFile | null;
  readonly update: Map<string, RunFile>;
  readonly meta: Map<string, RunFile>;
  readonly refused: Map<string, RunFile>;
  readonly failed: Map<string, RunFile>;
}

/** A run's files by what they are for. */
export interface Catalogue {
  task: RunFile | null;
  ended: RunFile | null;
  /** The server's sign of life. */
  status: RunFile | null;
  settings: RunFile | null;
  readonly folders: Set<string>;
  readonly authentications: { readonly layout: Layout; readonly name: string; readonly file: RunFile }[];
  readonly heartbeats: Map<string, RunFile>;
  readonly lost: Map<string, RunFile>;
  readonly rounds: Map<number, RoundFiles>;
}

function fileFrom(entry: ObservedEntry, stored: StoredFile | null): RunFile {
  const { path, sizeBytes, modifiedAtMs, text, unread } = entry;
  const atMs = stored?.receivedAtMs ?? modifiedAtMs;
  return { path, sizeBytes, writtenAtMs: modifiedAtMs, atMs, text, unread, stored, present: true };
}

function absentFile(path: string, stored: StoredFile): RunFile {
  const { sizeBytes, receivedAtMs } = stored;
  const times = { writtenAtMs: receivedAtMs, atMs: receivedAtMs };
  return { path, sizeBytes, ...times, text: null, unread: null, stored, present: false };
}

function roundFiles(catalogue: Catalogue, round: number): RoundFiles {
  const known = catalogue.rounds.get(round);
  if (known !== undefined) return known;
  const files: RoundFiles = {
    round,
    aggregate: null,
    noStartModel: null,
    serverMeta: null,
    update: new Map(),
    meta: new Map(),
    refused: new Map(),
    failed: new Map(),
  };
  catalogue.rounds.set(round, files);
  return files;
}

function fileUnder(catalogue: Catalogue, role: Role, file: RunFile): void {
  switch (role.kind) {
    case 'task':
    case 'ended':
    case 'status':
    case 'settings':
      catalogue[role.kind] = file;
      return;
    case 'authentication':
      catalogue.authentications.push({ layout: role.layout, name: role.name, file });
      return;
    case 'heartbeat':
      catalogue.heartbeats.set(role.name, file);
      return;
    case 'lost':
      catalogue.lost.set(role.name, file);
      return;
    case 'aggregate':
      roundFiles(catalogue, role.round).aggregate = file;
      return;
    case 'no-start-model':
      roundFiles(catalogue, role.round).noStartModel = file;
      return;
    case 'server-meta':
      roundFiles(catalogue, role.round).serverMeta = file;
      return;
    case 'update':
    case 'meta':
    case 'refused':
    case 'failed':
      roundFiles(catalogue, role.round)[role.kind].set(role.key, file);
      return;
    case 'departed':
    case 'half-written':
    case 'system':
    case 'unexpected':
  }
}

function tellStray(role: Role, path: string, irregularities: Irregularities): void {
  if (role.kind === 'half-written')
    irregularities.add('note', 'half-written', path, 'a half-written file that its writer left behind');
  if (role.kind === 'system')
    irregularities.add('note', 'system-file', path, 'a file that an operating system leaves behind');
  if (role.kind === 'unexpected')
    irregularities.add('warning', 'unexpected-file', path, 'a file that does not belong here');
}

function catalogueFile(
  catalogue: Catalogue,
  entry: ObservedEntry,
  stored: StoredFile | null,
  irregularities: Irregularities,
): void {
  const role = roleOf(entry.path);
  tellStray(role, entry.path, irregularities);
  if (entry.unread !== null) irregularities.add('error', 'unreadable-file', entry.path, entry.unread);
  if (stored !== null && stored.sizeBytes !== entry.sizeBytes)
    irregularities.add(
      'warning',
      'differs-from-shared',
      entry.path,
      `${entry.sizeBytes} bytes here, ${stored.sizeBytes} in the shared folder`,
    );
  fileUnder(catalogue, role, fileFrom(entry, stored));
}

function catalogueEntry(
  catalogue: Catalogue,
  entry: ObservedEntry,
  facts: IndexFacts | null,
  irregularities: Irregularities,
): void {
  const { kind, path } = entry;
  if (kind === 'file') catalogueFile(catalogue, entry, facts?.files.get(path) ?? null, irregularities);
  else if (kind === 'folder' && isRunFolder(path)) {
    catalogue.folders.add(path);
    const round = roundOf(path);
    if (round !== undefined) roundFiles(catalogue, round);
  } else if (kind === 'folder')
    irregularities.add(
      'warning',
      'unexpected-folder',
      path,
      'a folder that does not belong here; not looked into',
    );
  else {
    const what = kind === 'link' ? 'a symbolic link; not followed' : 'a pipe, socket or device; not opened';
    irregularities.add('error', kind === 'link' ? 'symbolic-link' : 'special-file', path, what);
  }
}

/** Sort a run's files by what they are for, and tell of those that are for nothing. */
export function catalogueOf(
  run: ObservedRun,
  facts: IndexFacts | null,
  irregularities: Irregularities,
): Catalogue {
  const catalogue: Catalogue = {
    task: null,
    ended: null,
    status: null,
    settings: null,
    folders: new Set(),
    authentications: [],
    heartbeats: new Map(),
    lost: new Map(),
    rounds: new Map(),
  };
  for (const entry of run.entries) catalogueEntry(catalogue, entry, facts, irregularities);
  const onDisk = new Set(run.entries.map(({ path }) => path));
  for (const [path, stored] of facts?.files ?? []) {
    if (onDisk.has(path)) continue;
    const role = roleOf(path);
    tellStray(role, path, irregularities);
    const cut = path.lastIndexOf('/');
    if (cut > 0) catalogue.folders.add(path.slice(0, cut));
    fileUnder(catalogue, role, absentFile(path, stored));
  }
  if (run.truncated)
    irregularities.add('error', 'too-many-entries', '', 'the folder holds more entries than are looked at');
  return catalogue;
}
