import { Checkpoint } from '../torch/checkpoint-reader.ts';
import type { RuleContext } from './aggregation.ts';
import type { Column } from './tensor-columns.ts';

/**
 * Open the aggregate that the round started from, for as long as the aggregation lasts; undefined in a first round
 * without a start model. Updates of another form were refused before.
 */
export async function openPrevious(context: RuleContext): Promise<Column | undefined> {
  const { previousPath } = context.options;
  if (previousPath === undefined) return undefined;
  const checkpoint = await Checkpoint.open(previousPath);
  const column = { checkpoint, model: checkpoint.model() };
  context.adopt(column);
  return column;
}
