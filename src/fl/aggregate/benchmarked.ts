import { mkdtemp, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { ConfigError, CorruptError } from '../../errors.ts';
import type { Metrics } from '../executor/executor.ts';
import { copyCheckpoint } from '../torch/clean-copy.ts';
import type { RuleContext, RuleDecision } from './aggregation.ts';
import type { OpenUpdate } from './input-set.ts';
import { FaultyUpdates, type UpdateFault } from './update-fault.ts';
import { decideWeighted, dominanceNotes, sampleWeights } from './weights.ts';

export interface BenchmarkOptions {
  /** The metric by which updates are weighed. */
  readonly metric: string;
  /** True when less is better. */
  readonly minimized: boolean;
  readonly evaluate: (checkpointPath: string, signal?: AbortSignal) => Promise<Metrics>;
}

/**
 * Weigh every update by how well it does on the server's own data: kMoL's BenchmarkedTorchAggregator.
 *
 * Guarantees: weights are non-negative and sum to 1. Maximised: in proportion to the metric, less than 0 counts as 0.
 * Minimised: (1 - share) / (N - 1), which for two updates is kMoL's own formula and for more keeps the model's scale.
 * When no update scores above 0, weights are by samples, and a note says so.
 * Errors: ConfigError 'unknown-metric'; an update whose metric is not finite is refused.
 */
export async function decideBenchmarked(
  context: RuleContext,
  options: BenchmarkOptions,
): Promise<RuleDecision> {
  const scores = await scoresOf(context, options);
  const faults = context.updates.flatMap((update, index) =>
    Number.isFinite(scores[index])
      ? []
      : [{ update, reason: 'not-finite', message: `its ${options.metric} is ${scores[index]}` }],
  );
  if (faults.length > 0) throw new FaultyUpdates(faults);
  const clamped = scores.map((score) => Math.max(0, score));
  const sum = clamped.reduce((total, score) => total + score, 0);
  if (sum <= 0) {
    const { weights, notes } = sampleWeights(context.updates);
    return decideWeighted(weights, [
      `no update has a ${options.metric} above 0; weighed by samples`,
      ...notes,
      ...dominanceNotes(context.updates, weights),
    ]);
  }
  const shares = clamped.map((score) => score / sum);
  const others = shares.length - 1;
  const weights = options.minimized
    ? shares.map((share) => (others === 0 ? 1 : (1 - share) / others))
    : shares;
  return decideWeighted(weights, [
    `${options.metric}: ${context.updates.map(({ input }, index) => `${input.participant} ${scores[index]}`).join(', ')}`,
    ...dominanceNotes(context.updates, weights),
  ]);
}

type Scored = Pick<RuleContext, 'updates' | 'options' | 'outputPath'>;

/**
 * Evaluate every update, one after the other.
 *
 * Guarantees: what is evaluated is a copy of the model that was read here, written anew: of the update's own file, no
 * other program sees a byte. The copies stand beside the output while they are needed, one at a time.
 * Errors: ConfigError 'unknown-metric'; FaultyUpdates naming an update that cannot be copied.
 */
export async function scoresOf(
  { updates, options, outputPath }: Scored,
  benchmark: BenchmarkOptions,
): Promise<number[]> {
  const folder = await mkdtemp(join(dirname(outputPath), '.evaluation-'));
  try {
    const scores: number[] = [];
    for (const update of updates) {
      const copy = join(folder, basename(update.input.path));
      await copyUpdate(update, copy, options.signal);
      scores.push(await scoreOf(copy, benchmark, options.signal));
      await rm(copy, { force: true });
    }
    return scores;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function copyUpdate(update: OpenUpdate, copy: string, signal: AbortSignal | undefined): Promise<void> {
  try {
    await copyCheckpoint(update.checkpoint, update.model, copy, { signal });
  } catch (error) {
    if (!(error instanceof CorruptError)) throw error;
    const fault: UpdateFault = { update, reason: error.code, message: error.message };
    throw new FaultyUpdates([fault]);
  }
}

async function scoreOf(
  path: string,
  { metric, evaluate }: BenchmarkOptions,
  signal: AbortSignal | undefined,
): Promise<number> {
  const metrics = await evaluate(path, signal);
  const score = metrics[metric];
  if (score !== undefined) return score;
  throw new ConfigError({
    code: 'unknown-metric',
    message: `aggregator_options.target_metric is "${metric}", which the evaluation does not report`,
    hint: `It reports ${Object.keys(metrics).join(', ') || 'nothing'}.`,
  });
}
