import { z } from 'zod';
import type { ClientRecord } from './client-state.ts';
import type { ServerRecord } from './server-state.ts';

const layout = z.enum(['documented', 'kmol']);
const metrics = z.record(z.string(), z.number());
const round = z.number().int().nonnegative();
const account = z.object({ id: z.string(), name: z.string() });

const ending = z.object({
  kind: z.enum(['finished', 'stopped', 'failed']),
  code: z.string(),
  text: z.string(),
  finalRound: round.nullable(),
  round: round.nullable(),
});

const phase = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('registering') }),
  z.object({ kind: z.literal('collecting'), round }),
  z.object({
    kind: z.literal('aggregating'),
    round,
    inputs: z.array(
      z.object({
        key: z.string(),
        version: z.string(),
        sha256: z.string().optional(),
        samples: z.number().nullable(),
      }),
    ),
  }),
  z.object({ kind: z.literal('finishing'), ending }),
  z.object({ kind: z.literal('ended'), ending }),
]);

/** The form of a server's state file. */
export const SERVER_RECORD: z.ZodType<ServerRecord> = z.object({
  format: z.literal(1),
  session: z.string(),
  run: z.string(),
  phase,
  participants: z.record(
    z.string(),
    z.object({
      name: z.string(),
      layout,
      account: account.nullable(),
      status: z.enum(['active', 'lost']),
      lostInRound: round.nullable(),
    }),
  ),
  refusals: z.record(z.string(), z.object({ name: z.string(), layout, text: z.string() })),
  updates: z.record(
    z.string(),
    z.object({
      version: z.string(),
      status: z.enum(['valid', 'refused']),
      sha256: z.string().optional(),
      samples: z.number().nullable(),
      metrics,
      sizeBytes: z.number(),
      reason: z.string(),
    }),
  ),
  // Absent from states of versions that remembered the last round only.
  unsettled: z.record(z.string(), z.record(z.string(), z.string())).default({}),
  reported: z.array(z.string()),
});

/** The form of a client's state file. */
export const CLIENT_RECORD: z.ZodType<ClientRecord> = z.object({
  format: z.literal(1),
  run: z.string(),
  name: z.string(),
  admitted: z.boolean(),
  over: z.boolean(),
  trained: z
    .object({
      round,
      checkpointPath: z.string(),
      sha256: z.string(),
      sizeBytes: z.number(),
      samples: z.number().nullable(),
      metrics,
      startSha256: z.string().nullable(),
      seconds: z.number(),
    })
    .nullable(),
  published: z.object({ round, sha256: z.string() }).nullable(),
  failures: z.object({ round, count: round }),
  heededRefusal: z.string().nullable().default(null),
  heededOverwrite: z.string().nullable().default(null),
});
