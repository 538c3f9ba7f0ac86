import { ConfigError } from '../../errors.ts';
import type { RuleDecision } from './aggregation.ts';
import type { OpenUpdate } from './input-set.ts';
import { FaultyUpdates, type UpdateFault } from './update-fault.ts';

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

/** Most training samples that one update is believed to stand for, unless the configuration says otherwise. */
export const SAMPLES_MAX_DEFAULT = 1_000_000_000;
/** From this many updates on, one that has more than half of the weight is worth a note. */
const DOMINATED_FROM = 3;

/**
 * Weights by number of training samples.
 *
 * Guarantees: when a participant did not tell its number, all count the same, and a note says so.
 * Errors: FaultyUpdates naming who told a number that is no count, or above the limit.
 * Source: McMahan et al. 2017, arXiv:1602.05629, Algorithm 1.
 */
export function sampleWeights(
  updates: readonly OpenUpdate[],
  samplesMax = SAMPLES_MAX_DEFAULT,
): { weights: number[]; notes: string[] } {
  const faults = updates.filter(({ input }) => input.samples !== null && !isCount(input.samples, samplesMax));
  if (faults.length > 0) throw new FaultyUpdates(faults.map((update) => samplesFault(update, samplesMax)));
  const samples = updates.map(({ input }) => input.samples ?? Number.NaN);
  const sum = samples.reduce((total, count) => total + count, 0);
  if (sum > 0) return { weights: samples.map((count) => count / sum), notes: [] };
  const silent = updates.filter(({ input }) => input.samples === null).map(({ input }) => input.participant);
  return {
    weights: updates.map(() => 1 / updates.length),
    notes: [
      silent.length === 0
        ? 'every update counts the same, as all of them told 0 samples'
        : `every update counts the same, as ${silent.join(', ')} told no number of samples`,
    ],
  };
}

function isCount(samples: number, max: number): boolean {
  return Number.isInteger(samples) && samples >= 0 && samples <= max;
}

function samplesFault(update: OpenUpdate, max: number): UpdateFault {
  const message = `it tells ${update.input.samples} training samples, where a whole number up to ${max} is believed`;
  return { update, reason: 'bad-samples', message };
}

/** A note when one update has more than half of the weight, where three or more share it. */
export function dominanceNotes(updates: readonly OpenUpdate[], weights: readonly number[]): string[] {
  if (updates.length < DOMINATED_FROM) return [];
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return updates.flatMap(({ input }, index) => {
    const share = (weights[index] ?? 0) / sum;
    return share > 0.5
      ? [
          `${input.participant} has ${(100 * share).toFixed(1)} % of the weight, more than all others together`,
        ]
      : [];
  });
}
