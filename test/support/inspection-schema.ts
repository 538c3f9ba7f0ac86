import { z } from 'zod';

const time = z.iso.datetime().nullable();
const seconds = z.number().nullable();
const identity = z.strictObject({ id: z.string(), name: z.string() }).nullable();

const checkpoint = z
  .strictObject({
    format: z.enum(['zip', 'legacy']).nullable(),
    tensors: z.number().int(),
    parameters: z.number().int(),
    sha256: z
      .string()
      .regex(/^[0-9a-f]{64}$/)
      .nullable(),
    problem: z.string().nullable(),
  })
  .nullable();

const absences = z.array(
  z.strictObject({ from: z.iso.datetime(), to: z.iso.datetime(), how: z.enum(['stopped', 'killed']) }),
);

const participant = z.strictObject({
  name: z.string(),
  admission: z.enum(['admitted', 'refused', 'unanswered', 'unreadable', 'unknown', 'never-asked']),
  refusal: z.string().nullable(),
  answered_at: time,
  account: identity,
  heartbeat: z
    .strictObject({
      last_at: time,
      silent_seconds: z.number().nonnegative(),
      clock_skew_seconds: seconds,
      carried: z.strictObject({ count: z.number().int(), longest_gap_seconds: z.number() }).nullable(),
    })
    .nullable(),
  lost: z.strictObject({ round: z.number().int().nullable(), at: time }).nullable(),
  absences,
  updates_delivered: z.number().int(),
  bytes_delivered: z.number().int(),
  timeline: z.array(
    z.strictObject({
      activity: z.enum(['waiting', 'receiving', 'training', 'uploading', 'absent', 'unknown', 'lost']),
      round: z.number().int().nullable(),
      from: z.iso.datetime(),
      to: z.iso.datetime(),
      estimated: z.boolean(),
    }),
  ),
});

const update = z.strictObject({
  participant: z.string(),
  status: z.enum(['used', 'delivered', 'refused', 'late', 'failed', 'pending', 'missing', 'lost']),
  reason: z.string().nullable(),
  size_bytes: z.number().int().nullable(),
  delivered_at: time,
  samples: z.number().nullable(),
  weight: z.number().nullable(),
  metrics: z.record(z.string(), z.number()),
  training_seconds: seconds,
  transfer_seconds: seconds,
  waiting_seconds: seconds,
  bytes_per_second: z.number().int().nullable(),
  version: z.string().nullable(),
  written_by: identity,
  checkpoint,
});

const round = z.strictObject({
  round: z.number().int().positive(),
  starts_from: z.enum(['model', 'no-model', 'missing']),
  started_at: time,
  start_bytes: z.number().int().nullable(),
  start_checkpoint: checkpoint,
  closed_at: time,
  aggregation_seconds: seconds,
  final_model: z.boolean(),
  metrics: z.record(z.string(), z.number()),
  updates: z.array(update),
});

const severity = z.enum(['error', 'warning', 'note']);

/** What docs/inspect.md promises of `mila-sync inspect --json`: every key of it and no other. */
export const INSPECTION_DOCUMENT = z.strictObject({
  format: z.literal(1),
  name: z.string(),
  folder: z.string(),
  source: z.enum(['copy', 'mount']),
  layouts: z.array(z.enum(['documented', 'kmol'])),
  inspected_at: z.iso.datetime(),
  started_at: time,
  last_activity_at: time,
  rounds_planned: z.number().int().nullable(),
  ending: z.strictObject({
    kind: z.enum(['finished', 'stopped-by-user', 'failed', 'unreadable', 'open']),
    text: z.string().nullable(),
    at: time,
  }),
  server: z.strictObject({ heard_at: time, due_at: time, awaited: z.array(z.string()), absences }),
  participants: z.array(participant),
  rounds: z.array(round),
  irregularities: z.array(
    z.strictObject({ severity, code: z.string(), path: z.string(), message: z.string() }),
  ),
  irregularity_counts: z.array(
    z.strictObject({ code: z.string(), severity, count: z.number().int().positive() }),
  ),
  mount: z
    .strictObject({
      api_calls: z.strictObject({
        total: z.number().int(),
        by_endpoint: z.array(z.strictObject({ endpoint: z.string(), calls: z.number().int() })),
        by_hour: z.array(z.strictObject({ hour: z.iso.datetime(), calls: z.number().int() })),
      }),
      transfers: z.array(
        z.strictObject({
          op: z.string(),
          count: z.number().int(),
          failed: z.number().int(),
          bytes: z.number().int(),
          seconds: z.number(),
        }),
      ),
    })
    .nullable(),
});
