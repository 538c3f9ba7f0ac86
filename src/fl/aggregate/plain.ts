import type { RuleDecision } from './aggregation.ts';

/** The mean of the updates, each counted once: kMoL's PlainTorchAggregator. */
export function decideMean(count: number): RuleDecision {
  return {
    weights: new Array<number>(count).fill(1 / count),
    taskFor: () => ({ operation: { kind: 'mean' } }),
  };
}
