import { z } from 'zod';
import { METRICS } from '../transport/metrics-schema.ts';
import type { RunFile } from './catalogue.ts';
import type { AbsenceReport } from './inspection.ts';
import type { Irregularities } from './irregularity.ts';

const metrics = METRICS.catch({});

const time = z
  .string()
  .transform((text) => Date.parse(text))
  .pipe(z.number().finite());

/** At most so many of each kind are shown. */
const ABSENCES_MAX = 100;

const absences = z
  .array(
    z
      .object({ from: time, to: time, how: z.enum(['stopped', 'killed']) })
      .transform(({ from: fromMs, to: toMs, how }): AbsenceReport => ({ fromMs, toMs, how })),
  )
  .transform((all) => all.slice(-ABSENCES_MAX).filter(({ fromMs, toMs }) => toMs > fromMs))
  .catch([])
  .default([]);

const attempts = z
  .array(z.object({ from: time, to: time }).transform(({ from: fromMs, to: toMs }) => ({ fromMs, toMs })))
  .transform((all) => all.slice(-ABSENCES_MAX))
  .catch([])
  .default([]);

const updateMeta = z.object({
  round: z.number().optional(),
  participant: z.string().optional(),
  samples: z.number().nullable().catch(null).default(null),
  seconds: z.number().nonnegative().nullable().catch(null).default(null),
  metrics: metrics.default({}),
  sha256: z.string().optional(),
  size_bytes: z.number().optional(),
  received_at: time.nullable().catch(null).default(null),
  attempts,
  absences,
});

const serverMeta = z.object({
  participants: z.array(z.string()),
  weights: z.record(z.string(), z.number()).catch({}).default({}),
  refused: z
    .array(z.object({ participant: z.string(), reason: z.string() }))
    .catch([])
    .default([]),
  metrics: metrics.default({}),
  seconds: z.number().nonnegative().nullable().catch(null).default(null),
  rounds_count: z.number().int().positive().nullable().catch(null).default(null),
  final: z.boolean().catch(false).default(false),
  absences,
});

const serverStatus = z.object({ absences });

const serverSettings = z.object({
  heartbeat_timeout: z.number().positive().finite().optional().catch(undefined),
});

const reason = z.object({ reason: z.string().optional(), message: z.string().optional() });

/** What stands beside an update, as far as it can be understood. */
export type UpdateNote = z.infer<typeof updateMeta>;
/** What the server wrote about how a round was closed. */
export type ServerNote = z.infer<typeof serverMeta>;

function parsed<Note>(
  file: RunFile | null | undefined,
  schema: z.ZodType<Note>,
  irregularities: Irregularities,
): Note | null {
  if (file === null || file === undefined || file.text === null) return null;
  try {
    return schema.parse(JSON.parse(file.text));
  } catch {
    irregularities.add('warning', 'malformed-side-file', file.path, 'not JSON of the documented form');
    return null;
  }
}

/** The side file of an update; null when missing or malformed. */
export function updateNoteOf(file: RunFile | undefined, irregularities: Irregularities): UpdateNote | null {
  return parsed(file, updateMeta, irregularities);
}

/** The absences that the server's sign of life tells; none when it is missing or malformed. */
export function statusAbsencesOf(
  file: RunFile | null,
  irregularities: Irregularities,
): readonly AbsenceReport[] {
  return parsed(file, serverStatus, irregularities)?.absences ?? [];
}

/** A participant that was not heard for longer may not run, whatever the settings say. Units: milliseconds. */
const SILENCE_MIN_MS = 300_000;

/** After which silence a participant may not run: what the server says, five minutes at least. Units: milliseconds. */
export function silenceMaxOf(file: RunFile | null, irregularities: Irregularities): number {
  const timeoutMs = (parsed(file, serverSettings, irregularities)?.heartbeat_timeout ?? 0) * 1000;
  return Math.max(SILENCE_MIN_MS, timeoutMs);
}

/** The server's account of a round; null when missing or malformed. */
export function serverNoteOf(file: RunFile | null, irregularities: Irregularities): ServerNote | null {
  return parsed(file, serverMeta, irregularities);
}

/** Why something was refused or failed, in one line; null when the file is not there. */
export function reasonOf(file: RunFile | undefined, irregularities: Irregularities): string | null {
  if (file === undefined) return null;
  const note = parsed(file, reason, irregularities);
  return note?.message ?? note?.reason ?? 'no reason that can be read';
}
