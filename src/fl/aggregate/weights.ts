import { ConfigError } from '../../errors.ts';
import type { RuleDecision } from './aggregation.ts';
import type { OpenUpdate } from './input-set.ts';

/** Weights that miss 1 by no more than this are taken to sum to 1 and are used as they are. */
const SUM_TOLERANCE = 1e-9;

/** A decision to add the updates up by their weights, element by element. */
export function decideWeighted(weights: readonly number[], notes: readonly string[] = []): RuleDecision {
  return { weights, notes, taskFor: () => ({ operation: { kind: 'weighted', weights } }) };
}

/** Scale weights so that they sum to 1; a note when they did not. */
export function normalised(weights: readonly number[]): { weights: readonly number[]; notes: string[] } {
  const sum = weights.reduce((total, weight) => total + weight, 0);
  if (Math.abs(sum - 1) <= SUM_TOLERANCE) return { weights, notes: [] };
  return {
    weights: weights.map((weight) => weight / sum),
    notes: [`the weights of this round's participants sum to ${sum}, not 1; they were scaled`],
  };
}

/**
 * The configured weight of each update's participant; letter case does not matter.
 *
 * Errors: ConfigError 'missing-weight' for a participant without one; 'bad-weights' when none is above 0.
 */
export function configuredWeights(
  updates: readonly OpenUpdate[],
  configured: Readonly<Record<string, number>>,
): number[] {
  const known = new Map(Object.entries(configured).map(([name, weight]) => [name.toLowerCase(), weight]));
  const weights = updates.map(({ input }) => {
    const weight = known.get(input.participant.toLowerCase());
    if (weight === undefined)
      throw new ConfigError({
        code: 'missing-weight',
        message: `aggregator_options.weights has no weight for ${input.participant}`,
        hint: `It names ${[...known.keys()].join(', ') || 'nobody'}.`,
        data: { participant: input.participant },
      });
    return weight;
  });
  if (!weights.some((weight) => weight > 0))
    throw new ConfigError({
      code: 'bad-weights',
      message: "aggregator_options.weights gives none of this round's participants a weight above 0",
    });
  return weights;
}

/**
 * Weights by number of training samples.
 *
 * Guarantees: when a participant did not tell its number, all count the same, and a note says so.
 * Source: McMahan et al. 2017, arXiv:1602.05629, Algorithm 1.
 */
export function sampleWeights(updates: readonly OpenUpdate[]): { weights: number[]; notes: string[] } {
  const samples = updates.map(({ input }) => input.samples ?? Number.NaN);
  const sum = samples.reduce((total, count) => total + count, 0);
  if (samples.every((count) => count >= 0) && sum > 0)
    return { weights: samples.map((count) => count / sum), notes: [] };
  const silent = updates.filter(({ input }) => input.samples === null).map(({ input }) => input.participant);
  return {
    weights: updates.map(() => 1 / updates.length),
    notes: [`every update counts the same, as ${silent.join(', ') || 'nobody'} told no number of samples`],
  };
}
