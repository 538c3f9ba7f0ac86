import { z } from 'zod';
import type { ServerSettings } from '../round/settings.ts';
import type { Absence } from './lives.ts';
import { METRICS } from './metrics-schema.ts';
import type { Workdir } from './workdir.ts';

/** The longest side file that is read. Units: bytes. */
export const SIDE_FILE_MAX_BYTES = 1_048_576;

/** What stands beside a checkpoint; kMoL's own programs ignore it. */
export const UPDATE_META = z.object({
  round: z.number().int().positive(),
  participant: z.string().optional(),
  samples: z.number().int().nonnegative().nullable(),
  metrics: METRICS.default({}),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  size_bytes: z.number().int().nonnegative().optional(),
  start_sha256: z.string().nullable().optional(),
  seconds: z.number().optional(),
  /** The client's account of its round: for people, and for `mila-sync inspect`. */
  received_at: z.string().optional(),
  attempts: z.unknown().optional(),
  absences: z.unknown().optional(),
});

/** A time in which a program did not run, as side files tell it. Times: ISO 8601 in UTC, by that program's clock. */
export interface WrittenAbsence {
  readonly from: string;
  readonly to: string;
  readonly how: Absence['how'];
}

export function writtenAbsence({ fromMs, toMs, how }: Absence): WrittenAbsence {
  return { from: new Date(fromMs).toISOString(), to: new Date(toMs).toISOString(), how };
}

export type UpdateMeta = z.infer<typeof UPDATE_META>;

/** What stands beside an aggregate. */
export interface ServerMeta {
  /** The round whose updates made it; 0 for a start model. */
  readonly made_in_round: number;
  /** The round that starts from it. */
  readonly round: number;
  readonly rounds_count: number;
  /** True when no round starts from it any more. */
  readonly final: boolean;
  readonly participants: readonly string[];
  readonly weights: Readonly<Record<string, number>>;
  readonly refused: readonly { readonly participant: string; readonly reason: string }[];
  readonly metrics: Readonly<Record<string, number>>;
  /** What the rule did beside what it was told, such as scaling weights. */
  readonly notes: readonly string[];
  readonly seconds: number;
  readonly sha256: string | null;
  /** When the server did not run, since the model before it was made. */
  readonly absences: readonly WrittenAbsence[];
}

/** What a client goes by of an aggregate's side file; parts that are not there, or of no use, are null. */
export interface ServerWord {
  readonly final: boolean | null;
  readonly sha256: string | null;
}

const SERVER_WORD = z.object({
  final: z.unknown().transform((value) => (value === undefined ? null : value === true)),
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .nullable()
    .catch(null),
});

/** Read an aggregate's side file. */
export function parseServerWord(bytes: Buffer | undefined): ServerWord {
  const nothing = { final: null, sha256: null };
  if (bytes === undefined) return nothing;
  try {
    return SERVER_WORD.safeParse(JSON.parse(bytes.toString('utf8'))).data ?? nothing;
  } catch {
    return nothing;
  }
}

/** What participants may know of the server's settings. Units: durations in seconds, as in configurations. */
const SERVER_SETTINGS = z.object({
  rounds_count: z.number(),
  minimum_clients: z.number(),
  maximum_clients: z.number(),
  client_wait_time: z.number(),
  heartbeat_timeout: z.number(),
  rejoin: z.boolean(),
  round_deadline: z.number().nullable(),
  round_share: z.number(),
  round_minimum: z.number(),
});

/** The settings that a server laid into its run's folder; undefined where it did not, as kMoL's does not. */
export async function readServerSettings(
  files: Pick<Workdir, 'read'>,
  path: string,
): Promise<z.infer<typeof SERVER_SETTINGS> | undefined> {
  const bytes = await files.read(path, SIDE_FILE_MAX_BYTES);
  if (bytes === undefined) return undefined;
  try {
    return SERVER_SETTINGS.safeParse(JSON.parse(bytes.toString('utf8'))).data;
  } catch {
    return undefined;
  }
}

export async function writeServerSettings(
  workdir: Workdir,
  path: string,
  settings: ServerSettings,
): Promise<void> {
  const { stragglers } = settings;
  const content: z.infer<typeof SERVER_SETTINGS> = {
    rounds_count: settings.roundsCount,
    minimum_clients: settings.minimumClients,
    maximum_clients: settings.maximumClients,
    client_wait_time: settings.clientWaitTimeMs / 1000,
    heartbeat_timeout: settings.heartbeatTimeoutMs / 1000,
    rejoin: settings.rejoin,
    round_deadline: stragglers.deadlineMs === null ? null : stragglers.deadlineMs / 1000,
    round_share: stragglers.share,
    round_minimum: stragglers.minimumUpdates,
  };
  await workdir.write(path, `${JSON.stringify(content, undefined, 1)}\n`);
}

/** A checkpoint's side file; null when there is none, a text when it is not one. */
export async function readUpdateMeta(workdir: Workdir, path: string): Promise<UpdateMeta | string | null> {
  const bytes = await workdir.read(path, SIDE_FILE_MAX_BYTES);
  if (bytes === undefined) return null;
  try {
    return UPDATE_META.parse(JSON.parse(bytes.toString('utf8')));
  } catch {
    return 'its side file is not JSON of the documented form';
  }
}

/** The longest reason of a refusal that is kept. Units: characters. */
const REASON_MAX = 1_000;

const REFUSAL = z.object({
  sha256: z.string().max(128),
  message: z.string().transform((text) => text.slice(0, REASON_MAX)),
  version: z.union([z.string().max(256), z.number()]).nullish(),
});

/** Why an update was refused, and of which bytes that was said; null when nobody refused it, or not in the known form. */
export function parseRefusal(
  bytes: Buffer | undefined,
): { readonly id: string; readonly sha256: string; readonly message: string } | null {
  if (bytes === undefined) return null;
  try {
    const { sha256, message, version } = REFUSAL.parse(JSON.parse(bytes.toString('utf8')));
    return { id: `${sha256} ${version ?? ''}`, sha256, message };
  } catch {
    return null;
  }
}

export async function writeSideFile(
  workdir: Workdir,
  path: string,
  content: UpdateMeta | ServerMeta,
): Promise<void> {
  await workdir.write(path, `${JSON.stringify(content, undefined, 1)}\n`);
}
