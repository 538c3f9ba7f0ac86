import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { errnoOf } from '../../errors.ts';
import type { FederationEvent } from '../round/event.ts';
import { HISTORY_FILE } from './history.ts';

/** What stands beside an aggregate among the server's results, as far as its event needs it. */
const ROUND_ACCOUNT = z.object({
  weights: z.record(z.string(), z.number()),
  refused: z.array(z.object({ participant: z.string(), reason: z.string() })).default([]),
  metrics: z.record(z.string(), z.number()).default({}),
  notes: z.array(z.string()).default([]),
  seconds: z.number(),
});

const AGGREGATED = z.object({ event: z.literal('aggregated'), round: z.number() });

async function textOf(path: string): Promise<string> {
  return readFile(path, 'utf8').catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return '';
    throw error;
  });
}

/** Read a line or a file that a death may have cut short. */
function parsed<Value>(text: string, schema: z.ZodType<Value>): Value | undefined {
  try {
    return schema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** Where the account of a round's aggregation stands among the server's results. */
export function roundAccountPath(results: string, round: number): string {
  return join(results, `${round}.aggregate.json`);
}

/**
 * The aggregations of the rounds up to `made` that the history does not tell of: a server that is killed after it
 * kept its decision has no time left to write the line.
 */
export async function missedRounds(results: string, made: number): Promise<readonly FederationEvent[]> {
  const history = await textOf(join(results, HISTORY_FILE));
  const told = new Set(history.split('\n').map((line) => parsed(line, AGGREGATED)?.round));
  const missed: FederationEvent[] = [];
  for (let round = 1; round <= made; round += 1) {
    if (told.has(round)) continue;
    const account = parsed(await textOf(roundAccountPath(results, round)), ROUND_ACCOUNT);
    if (account !== undefined) missed.push({ event: 'aggregated', round, ...account });
  }
  return missed;
}
