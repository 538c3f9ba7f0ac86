import type { RuleContext } from './aggregation.ts';
import { distancesFrom } from './distances.ts';
import { medianOf } from './norm-clipping.ts';
import { openPrevious } from './previous-aggregate.ts';
import { FaultyUpdates } from './update-fault.ts';

/** Below this many updates there are no "others" to compare with. */
const UPDATES_MIN = 3;

/**
 * Refuse updates whose step from the previous aggregate is much longer than the others'.
 *
 * Units: `factor` is the largest allowed ratio to the median step of the round.
 * Errors: FaultyUpdates 'norm-too-large'.
 */
export async function assertNormsAlike(
  context: RuleContext,
  factor: number,
  buffers: readonly string[],
): Promise<void> {
  const { updates } = context;
  const previous = updates.length < UPDATES_MIN ? undefined : await openPrevious(context);
  if (previous === undefined) return;
  const norms = await distancesFrom(previous, context, buffers);
  const limit = factor * medianOf(norms);
  const faults = updates.flatMap((update, index) => {
    const norm = norms[index] ?? 0;
    if (norm <= limit) return [];
    const message = `its step is ${norm.toPrecision(4)} long, more than ${factor} times the median of the round`;
    return [{ update, reason: 'norm-too-large', message }];
  });
  if (faults.length > 0) throw new FaultyUpdates(faults);
}
