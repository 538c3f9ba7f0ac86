import { RoundError } from '../../errors.ts';
import type { Executor } from '../../fl/executor/executor.ts';
import type { Inspection } from '../../fl/inspection/inspection.ts';
import { aggregatePath, updatePath } from '../../fl/inspection/model-paths.ts';
import type { RoundAccuracy } from '../../fl/report/accuracy-chart.ts';

/** Models judged at the same time. */
const EVALUATIONS_MAX = 2;

/** Do some work on every item, so many at a time, and keep the results in order. */
async function inTurn<Item, Result>(
  items: readonly Item[],
  work: (item: Item) => Promise<Result>,
): Promise<readonly Result[]> {
  const results: Result[] = [];
  let next = 0;
  const lane = async () => {
    while (next < items.length) {
      const index = next;
      next += 1;
      const item = items[index];
      if (item !== undefined) results[index] = await work(item);
    }
  };
  await Promise.all(Array.from({ length: EVALUATIONS_MAX }, lane));
  return results;
}

/**
 * Judge every checkpoint of a run on the test digits: each client's own models and the aggregates.
 *
 * Errors: RoundError 'not-evaluated' when a judgement has no accuracy; what the executor throws.
 */
export async function evaluateRun(
  inspection: Inspection,
  executor: Executor,
  signal: AbortSignal,
): Promise<readonly RoundAccuracy[]> {
  const judge = async (checkpointPath: string): Promise<number> => {
    const { accuracy } = await executor.evaluate({ configuration: {}, checkpointPath, signal });
    if (accuracy === undefined)
      throw new RoundError({ code: 'not-evaluated', message: `${checkpointPath} could not be judged` });
    return accuracy;
  };
  // The last round's folder holds the final aggregate only.
  const rounds = inspection.rounds
    .filter(({ isFinal }) => !isFinal)
    .map(({ round, updates }) => ({ round, updates: updates.filter(({ sizeBytes }) => sizeBytes !== null) }));
  const jobs = rounds.flatMap(({ round, updates }) => [
    { round, client: null, path: aggregatePath(inspection, round) },
    ...updates.map(({ participant }) => ({
      round,
      client: participant,
      path: updatePath(inspection, round, participant),
    })),
  ]);
  const judged = await inTurn(jobs, async (job) => ({ ...job, accuracy: await judge(job.path) }));
  return rounds.map(({ round }) => {
    const ofRound = judged.filter((result) => result.round === round);
    const own = ofRound.filter(({ client }) => client !== null);
    return {
      round,
      aggregate: ofRound.find(({ client }) => client === null)?.accuracy ?? Number.NaN,
      clients: Object.fromEntries(own.map(({ client, accuracy }) => [client ?? '', accuracy])),
    };
  });
}
