import type { RuleContext, RuleDecision } from './aggregation.ts';
import { distancesFrom } from './distances.ts';
import { decideMean } from './plain.ts';
import { openPrevious } from './previous-aggregate.ts';
import { isParameter } from './tensor-roles.ts';
import { sampleWeights } from './weights.ts';

export interface ClippingOptions {
  /** Longest step of one update; null takes the median of this round's steps. */
  readonly normMax: number | null;
  readonly buffers: readonly string[];
}

/**
 * The weighted mean of the updates, each step from the previous aggregate shortened to a largest length.
 *
 * Guarantees: buffers are averaged as they are. Without a previous aggregate there are no steps: the plain mean, with
 * a note.
 * Source: Sun et al. 2019, arXiv:1911.07963, section 4 (norm thresholding).
 */
export async function decideClipped(context: RuleContext, options: ClippingOptions): Promise<RuleDecision> {
  const { updates } = context;
  const previous = await openPrevious(context);
  if (previous === undefined)
    return { ...decideMean(updates.length), notes: ['no previous aggregate: nothing to clip against'] };
  const norms = await distancesFrom(previous, context, options.buffers);
  const limit = options.normMax ?? medianOf(norms);
  const { weights: shares, notes } = sampleWeights(updates);
  const factors = norms.map((norm) => (norm > limit ? limit / norm : 1));
  const weights = shares.map((share, index) => share * (factors[index] ?? 1));
  // prev + sum w c (x - prev) = sum w c x + (1 - sum w c) prev
  const rest = 1 - weights.reduce((sum, weight) => sum + weight, 0);
  const clipped = updates
    .filter((_, index) => (factors[index] ?? 1) < 1)
    .map(({ input }) => input.participant);
  return {
    weights: shares,
    extra: [previous],
    notes: [...notes, `steps longer than ${limit} were shortened: ${clipped.join(', ') || 'none'}`],
    taskFor: ({ name, dtype }) =>
      isParameter(name, dtype, options.buffers)
        ? { operation: { kind: 'weighted', weights: [...weights, rest] } }
        : { operation: { kind: 'weighted', weights: shares }, columns: [...updates.keys()] },
  };
}

/** The middle value, or the mean of the two middle ones. */
export function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  return ((sorted[Math.ceil(middle) - 1] ?? 0) + (sorted[Math.floor(middle)] ?? 0)) / 2;
}
