import { RoundError } from '../../errors.ts';
import { invariant } from '../../invariant.ts';
import { pairIndex } from '../tensor/piece-operation.ts';
import { checkFindings, openPass, type RuleContext } from './aggregation.ts';
import type { Column } from './tensor-columns.ts';
import { isParameter } from './tensor-roles.ts';

/**
 * Squared Euclidean distances between every two updates, over their parameters (buffers and counters say little of
 * how an update was trained, and much of how long).
 *
 * Shapes: the result is a symmetric matrix, N x N.
 * Errors: FaultyUpdates when a value is not finite.
 */
export async function pairwiseDistances(
  context: RuleContext,
  buffers: readonly string[],
): Promise<readonly Float64Array[]> {
  const { updates } = context;
  const matrix = updates.map(() => new Float64Array(updates.length));
  const sums = await measure(context, updates, { from: 'all', buffers });
  for (let i = 0; i < updates.length; i += 1)
    for (let j = i + 1; j < updates.length; j += 1) {
      const distance = sums[pairIndex(i, j, updates.length)] ?? 0;
      for (const [row, column] of [
        [i, j],
        [j, i],
      ] as const) {
        const line = matrix[row];
        if (line !== undefined) line[column] = distance;
      }
    }
  return matrix;
}

/** Euclidean distance of each update from the previous aggregate. */
export async function distancesFrom(
  previous: Column,
  context: RuleContext,
  buffers: readonly string[],
): Promise<readonly number[]> {
  const sums = await measure(context, [...context.updates, previous], { from: 'first', buffers });
  return Array.from(sums, Math.sqrt);
}

interface MeasureOptions {
  readonly from: 'all' | 'first';
  readonly buffers: readonly string[];
}

async function measure(
  context: RuleContext,
  columns: readonly Column[],
  { from, buffers }: MeasureOptions,
): Promise<Float64Array> {
  const { updates } = context;
  const count = columns.length;
  const pass = await openPass(columns, updates, context);
  try {
    // The column to measure from comes first.
    const order = from === 'all' ? undefined : [count - 1, ...updates.keys()];
    const findings = await pass.inspect((tensor) =>
      isParameter(tensor.name, tensor.dtype, buffers)
        ? {
            operation: { kind: 'distances', from },
            ...(order === undefined ? {} : { columns: order }),
          }
        : null,
    );
    const total = new Float64Array(from === 'all' ? (count * (count - 1)) / 2 : count - 1);
    for (const { results } of findings)
      for (const { distances } of results)
        for (const [index, value] of distances.entries()) total[index] = (total[index] ?? 0) + value;
    await checkFindings(pass, updates, findings);
    if (!total.every(Number.isFinite)) await explain(context);
    return total;
  } finally {
    await pass.close();
  }
}

/** A distance overflows or is not a number: say whose values are to blame. */
async function explain(context: RuleContext): Promise<never> {
  const { updates } = context;
  const pass = await openPass(updates, updates, context);
  try {
    const findings = await pass.inspect(() => ({ operation: { kind: 'finiteness' } }));
    const marked = findings.map((found) => ({
      ...found,
      results: found.results.map((result) => ({
        ...result,
        nonFinite: result.nonFiniteInputs.includes(true),
      })),
    }));
    await checkFindings(pass, updates, marked);
  } finally {
    await pass.close();
  }
  throw new RoundError({ code: 'overflow', message: 'the updates lie too far apart to be compared' });
}

/** Indices of the smallest values, in ascending order of value, then of index. */
export function smallest(values: readonly number[], count: number): number[] {
  invariant(count <= values.length, 'no more values are chosen than there are');
  return [...values.keys()].sort((a, b) => (values[a] ?? 0) - (values[b] ?? 0) || a - b).slice(0, count);
}
