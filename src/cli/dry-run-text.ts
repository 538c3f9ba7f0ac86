import { printable } from '../printable.ts';
import type { DryRun } from '../sync/mount/dry-run.ts';
import type { Output } from './output.ts';
import { readableBytes } from './paint.ts';

const OP_WIDTH = 'make-remote-folder'.length;
const SIZE_WIDTH = 10;
/** What only puts down in the index what stands on both sides already. */
const BOOKKEEPING: ReadonlySet<string> = new Set(['agree', 'forget', 'keep-online']);

/** Print what a mount would do. */
export function printDryRun(run: DryRun, output: Output): void {
  const steps = run.steps.filter(({ op }) => !BOOKKEEPING.has(op));
  if (output.json) {
    output.document({
      steps: steps.map(({ op, path, sizeBytes }) => ({ op, path, size: sizeBytes })),
      problems: run.problems,
      held: run.held,
      root_missing: run.rootMissing,
    });
    return;
  }
  if (run.rootMissing) output.note('the mirrored folder does not exist in Box yet');
  for (const { op, path, sizeBytes } of steps) {
    const size = sizeBytes > 0 ? readableBytes(sizeBytes) : '';
    output.result(`${op.padEnd(OP_WIDTH)}  ${size.padStart(SIZE_WIDTH)}  ${printable(path)}`);
  }
  for (const { path, message } of run.problems) output.note(`problem: ${printable(path)}: ${message}`);
  if (run.held !== null)
    output.note(`${run.held.count} deletions would be held for a person (limit ${run.held.limit})`);
  output.note(steps.length === 0 ? 'nothing to do' : `${steps.length} steps; nothing was touched`);
}
