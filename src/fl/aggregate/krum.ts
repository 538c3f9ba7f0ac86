import type { RuleContext, RuleDecision } from './aggregation.ts';
import { pairwiseDistances, smallest } from './distances.ts';

export interface KrumOptions {
  /** How many updates may lie. */
  readonly faulty: number;
  /** How many updates are kept and averaged: 1 for Krum, more for Multi-Krum. */
  readonly keep: number;
  readonly buffers: readonly string[];
}

/**
 * Krum and Multi-Krum: keep the updates that have the closest neighbours, and average them.
 *
 * An update's score is the sum of its squared distances to its N - f - 2 nearest others.
 * Guarantees: ties go to the first by name.
 * Errors: RoundError 'too-few-updates' (by the caller) below 2f + 3 updates.
 * Source: Blanchard et al. 2017, "Machine Learning with Adversaries: Byzantine Tolerant Gradient Descent", section 4.
 */
export async function decideKrum(context: RuleContext, options: KrumOptions): Promise<RuleDecision> {
  const matrix = await pairwiseDistances(context, options.buffers);
  const neighbours = Math.max(1, matrix.length - options.faulty - 2);
  const scores = matrix.map((row, index) =>
    [...row]
      .filter((_, other) => other !== index)
      .sort((a, b) => a - b)
      .slice(0, neighbours)
      .reduce((sum, distance) => sum + distance, 0),
  );
  const kept = smallest(scores, Math.min(options.keep, scores.length)).sort((a, b) => a - b);
  const names = context.updates.map(({ input }) => input.participant);
  return {
    weights: names.map((_, index) => (kept.includes(index) ? 1 / kept.length : 0)),
    notes: [`kept ${kept.map((index) => names[index]).join(', ')}`],
    taskFor: () => ({ operation: { kind: 'mean' }, columns: kept }),
  };
}
