import type { RuleDecision } from './aggregation.ts';

/**
 * Coordinate-wise median: the middle value of each element, or the mean of the two middle ones.
 *
 * Guarantees: no element leaves the range of the honest values while fewer than half of the updates lie.
 * Source: Yin et al. 2018, arXiv:1803.01498, Definition 1.
 */
export function decideMedian(count: number): RuleDecision {
  return decideDropping(count, Math.floor((count - 1) / 2));
}

/**
 * Coordinate-wise trimmed mean: the mean of each element without its largest and smallest values.
 *
 * Units: `fraction` is the share dropped at each end, in [0, 0.5).
 * Source: Yin et al. 2018, arXiv:1803.01498, Definition 2.
 */
export function decideTrimmed(count: number, fraction: number): RuleDecision {
  return decideDropping(count, Math.min(Math.floor(count * fraction), Math.floor((count - 1) / 2)));
}

function decideDropping(count: number, drop: number): RuleDecision {
  return {
    weights: new Array<number>(count).fill(1 / count),
    notes:
      drop === 0 ? [] : [`the ${drop} largest and ${drop} smallest values of each element were left out`],
    taskFor: () => ({ operation: drop === 0 ? { kind: 'mean' } : { kind: 'trimmed', drop } }),
  };
}
