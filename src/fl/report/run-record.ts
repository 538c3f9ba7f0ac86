import { open, readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { errnoOf, StateError } from '../../errors.ts';
import { type Answer, CONTROL_FILE_MAX_BYTES, parseAnswer } from '../round/protocol-texts.ts';
import {
  AGGREGATE_FILE,
  AUTHENTICATION,
  ENDED_FILE,
  HEARTBEAT_FOLDER,
  HEARTBEAT_SUFFIX,
  LAYOUTS,
  type Layout,
  LOST_SUFFIX,
  META_SUFFIX,
  NO_START_MODEL_FILE,
  participantKey,
  roundNumberOf,
  stemOf,
  TASK_FILE,
  UPDATE_SUFFIX,
} from '../round/run-folder.ts';

/** Most entries that one folder of a run may hold before it is taken for something else. */
const ENTRIES_MAX = 100_000;

/** A file of the run as it stands. Units: `modifiedAtMs` milliseconds since 1970. */
export interface RecordedFile {
  readonly sizeBytes: number;
  readonly modifiedAtMs: number;
}

/** What a participant delivered in one round. */
export interface RecordedUpdate extends RecordedFile {
  readonly participant: string;
  /** From the side file; null when there is none or it does not tell. */
  readonly samples: number | null;
  readonly trainingSeconds: number | null;
  readonly metrics: Readonly<Record<string, number>>;
}

/** One round as its folder shows it. */
export interface RecordedRound {
  readonly round: number;
  /** The model that this round starts from. */
  readonly aggregate: RecordedFile | null;
  /** True when the server said that there is no model to start from. */
  readonly noStartModel: boolean;
  readonly updates: readonly RecordedUpdate[];
}

/** One participant as the control files show it. */
export interface RecordedParticipant {
  readonly name: string;
  /** What the server answered; `missing` when no authentication file exists. */
  readonly answer: Answer | 'missing';
  readonly heartbeatAtMs: number | null;
  /** What the lost-connection file says, when there is one. */
  readonly lost: string | null;
}

/** A run folder read whole, but for the checkpoints' content. */
export interface RunRecord {
  readonly name: string;
  readonly folder: string;
  readonly layout: Layout | null;
  /** The task as sent to the participants; null when missing. */
  readonly task: string | null;
  /** How the server ended, in its own words; null while it has not. */
  readonly ended: string | null;
  readonly participants: readonly RecordedParticipant[];
  readonly rounds: readonly RecordedRound[];
}

const sideFile = z.object({
  participant: z.string().optional(),
  samples: z.number().nullable().default(null),
  seconds: z.number().nullable().default(null),
  metrics: z.record(z.string(), z.number()).default({}),
});

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return (await readdir(folder)).slice(0, ENTRIES_MAX).sort();
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(errnoOf(error) ?? '')) return [];
    throw error;
  }
}

/** A small file's text, cut at the limit for control files; null when there is none. */
async function textOf(path: string): Promise<string | null> {
  try {
    const handle = await open(path, 'r');
    try {
      const buffer = Buffer.alloc(CONTROL_FILE_MAX_BYTES);
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, 0);
      return buffer.subarray(0, bytesRead).toString('utf8');
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (['ENOENT', 'EISDIR'].includes(errnoOf(error) ?? '')) return null;
    throw error;
  }
}

async function fileOf(path: string): Promise<RecordedFile | null> {
  try {
    const { size, mtimeMs } = await stat(path);
    return { sizeBytes: size, modifiedAtMs: mtimeMs };
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return null;
    throw error;
  }
}

async function readUpdate(folder: string, key: string): Promise<RecordedUpdate | null> {
  const file = await fileOf(join(folder, `${key}${UPDATE_SUFFIX}`));
  if (file === null) return null;
  const text = await textOf(join(folder, `${key}${META_SUFFIX}`));
  let meta = sideFile.parse({});
  try {
    meta = text === null ? meta : sideFile.parse(JSON.parse(text));
  } catch {
    // A damaged side file says nothing; the checkpoint beside it stands on its own.
  }
  const { participant = key, samples, seconds, metrics } = meta;
  return { ...file, participant, samples, trainingSeconds: seconds, metrics };
}

async function readRound(folder: string, round: number): Promise<RecordedRound> {
  const names = await namesIn(folder);
  const keys = names.map((name) => stemOf(name, UPDATE_SUFFIX)).filter((key) => key !== undefined);
  const updates = await Promise.all(keys.map((key) => readUpdate(folder, key)));
  return {
    round,
    aggregate: await fileOf(join(folder, AGGREGATE_FILE)),
    noStartModel: names.includes(NO_START_MODEL_FILE),
    updates: updates.filter((update) => update !== null),
  };
}

async function readParticipants(
  folder: string,
  layout: Layout | null,
): Promise<readonly RecordedParticipant[]> {
  const { folder: place, suffix } = AUTHENTICATION[layout ?? 'documented'];
  const stems = async (where: string, ending: string) =>
    (await namesIn(where)).map((name) => stemOf(name, ending)).filter((name) => name !== undefined);
  const asked = await stems(join(folder, place), suffix);
  const beating = await stems(join(folder, HEARTBEAT_FOLDER), HEARTBEAT_SUFFIX);
  const names = [...new Set([...asked, ...beating])].sort();
  return Promise.all(
    names.map(async (name): Promise<RecordedParticipant> => {
      const answer = await textOf(join(folder, place, `${name}${suffix}`));
      const heartbeat = await fileOf(join(folder, HEARTBEAT_FOLDER, `${name}${HEARTBEAT_SUFFIX}`));
      return {
        name,
        answer: answer === null ? 'missing' : parseAnswer(answer),
        heartbeatAtMs: heartbeat?.modifiedAtMs ?? null,
        lost: await textOf(join(folder, `${name}${LOST_SUFFIX}`)),
      };
    }),
  );
}

/**
 * Read a run folder, mounted or a plain copy.
 *
 * Guarantees: reads only; what is missing or damaged shows as null, never as an error.
 * Errors: StateError 'no-run' when the folder does not exist.
 */
export async function readRunRecord(folder: string): Promise<RunRecord> {
  const names = await namesIn(folder);
  if (names.length === 0)
    throw new StateError({
      code: 'no-run',
      message: `${folder} is no run folder: it is empty or does not exist`,
      data: { folder },
    });
  const layout = LAYOUTS.find((candidate) => names.includes(AUTHENTICATION[candidate].folder)) ?? null;
  const rounds = (await namesIn(join(folder, 'rounds')))
    .map((name) => ({ name, round: roundNumberOf(name) }))
    .filter((entry): entry is { name: string; round: number } => entry.round !== undefined)
    .sort((left, right) => left.round - right.round);
  return {
    name: basename(folder),
    folder,
    layout,
    task: await textOf(join(folder, TASK_FILE)),
    ended: await textOf(join(folder, ENDED_FILE)),
    participants: await readParticipants(folder, layout),
    rounds: await Promise.all(
      rounds.map(({ name, round }) => readRound(join(folder, 'rounds', name), round)),
    ),
  };
}

/** Where a participant's checkpoint of a round stands in a run folder. */
export function updatePath(record: RunRecord, round: number, participant: string): string {
  return join(record.folder, 'rounds', `round_${round}`, `${participantKey(participant)}${UPDATE_SUFFIX}`);
}

/** Where the model stands that the updates of a round were made into. */
export function aggregatePath(record: RunRecord, round: number): string {
  return join(record.folder, 'rounds', `round_${round + 1}`, AGGREGATE_FILE);
}
