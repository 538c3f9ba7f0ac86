import type { HeldDeletions, Op } from './op.ts';
import type { PlanInput } from './plan-input.ts';

/** How many entries an op takes away, on either side. */
function deletionsOf(input: PlanInput, op: Op): number {
  if (op.kind === 'remove-local') return 1;
  if (op.kind === 'remove-remote') return input.remote.subtree(op.remote.id).length;
  return 0;
}

/**
 * Take the deletions out of a plan that deletes too much to be meant.
 *
 * Guarantees: all other ops go on; held deletions are planned again, and held again, until a person raises the limit
 * or the entries come back.
 */
export function holdDeletions(
  input: PlanInput,
  ops: readonly Op[],
): { ops: readonly Op[]; held: HeldDeletions | null } {
  const count = ops.reduce((sum, op) => sum + deletionsOf(input, op), 0);
  if (count <= input.deletionsMax) return { ops, held: null };
  const isDeletion = (op: Op) => op.kind === 'remove-local' || op.kind === 'remove-remote';
  return {
    ops: ops.filter((op) => !isDeletion(op)),
    held: { count, limit: input.deletionsMax, ops: ops.filter(isDeletion) },
  };
}
