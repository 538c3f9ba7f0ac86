import type { RuleContext, RuleDecision } from './aggregation.ts';
import { pairwiseDistances } from './distances.ts';
import { decideWeighted, sampleWeights } from './weights.ts';

export interface GeometricMedianOptions {
  /** Most steps of the iteration. */
  readonly iterationsMax: number;
  /** Smoothing: distances below it count as it. In units of the parameters. */
  readonly smoothing: number;
  readonly buffers: readonly string[];
}

/** The iteration ends when no weight moves by more than this. */
const WEIGHT_TOLERANCE = 1e-9;

/**
 * The geometric median of the updates (RFA), by the smoothed Weiszfeld iteration.
 *
 * Guarantees: the inputs are read twice, however many steps there are: every iterate is a weighted sum of the updates,
 * so its distances follow from the distances between the updates.
 * Source: Pillutla, Kakade, Harchaoui 2022, arXiv:1912.13445, Algorithm 2.
 */
export async function decideGeometricMedian(
  context: RuleContext,
  options: GeometricMedianOptions,
): Promise<RuleDecision> {
  const matrix = await pairwiseDistances(context, options.buffers);
  const { weights: alphas, notes } = sampleWeights(context.updates);
  let weights: readonly number[] = alphas;
  let steps = 0;
  for (; steps < options.iterationsMax; steps += 1) {
    const distances = distancesToSum(matrix, weights);
    const raw = alphas.map(
      (alpha, index) => alpha / Math.max(options.smoothing, Math.sqrt(distances[index] ?? 0)),
    );
    const sum = raw.reduce((total, weight) => total + weight, 0);
    const next = raw.map((weight) => weight / sum);
    const moved = Math.max(...next.map((weight, index) => Math.abs(weight - (weights[index] ?? 0))));
    weights = next;
    if (moved <= WEIGHT_TOLERANCE) break;
  }
  return decideWeighted(weights, [...notes, `geometric median after ${steps + 1} steps`]);
}

/**
 * Squared distance of each update from the weighted sum of all, from their mutual distances.
 *
 * Units: weights sum to 1. ||x_i - sum w_j x_j||^2 = sum_j w_j D_ij - 1/2 sum_jk w_j w_k D_jk.
 */
export function distancesToSum(
  matrix: readonly Float64Array[],
  weights: readonly number[],
): readonly number[] {
  const rows = matrix.map((row) => row.reduce((sum, value, index) => sum + value * (weights[index] ?? 0), 0));
  const spread = rows.reduce((sum, value, index) => sum + value * (weights[index] ?? 0), 0) / 2;
  return rows.map((value) => Math.max(0, value - spread));
}
