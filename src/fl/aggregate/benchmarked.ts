import { ConfigError } from '../../errors.ts';
import type { Metrics } from '../executor/executor.ts';
import type { RuleContext, RuleDecision } from './aggregation.ts';
import type { OpenUpdate } from './input-set.ts';
import { FaultyUpdates } from './update-fault.ts';
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
  const scores = await scoresOf(context.updates, options, context.options.signal);
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

/** Evaluate every update, one after the other. Errors: ConfigError 'unknown-metric'. */
export async function scoresOf(
  updates: readonly OpenUpdate[],
  { metric, evaluate }: BenchmarkOptions,
  signal: AbortSignal | undefined,
): Promise<number[]> {
  const scores: number[] = [];
  for (const { input } of updates) {
    const metrics = await evaluate(input.path, signal);
    const score = metrics[metric];
    if (score === undefined)
      throw new ConfigError({
        code: 'unknown-metric',
        message: `aggregator_options.target_metric is "${metric}", which the evaluation does not report`,
        hint: `It reports ${Object.keys(metrics).join(', ') || 'nothing'}.`,
      });
    scores.push(score);
  }
  return scores;
}
