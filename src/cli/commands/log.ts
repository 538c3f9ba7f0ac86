import { Command, InvalidArgumentError } from 'commander';
import { printable } from '../../printable.ts';
import type { LoggedOp } from '../../sync/index/records.ts';
import { placeOf, withIndex } from '../mount-place.ts';
import { processOutput } from '../output.ts';
import { type Paint, readableBytes, readableTime, resultPaint } from '../paint.ts';

interface LogFlags {
  readonly json?: boolean;
  readonly limit: number;
  readonly color: boolean;
}

const LIMIT = 100;
const OP_WIDTH = 'make-remote-folder'.length;
const SIZE_WIDTH = 10;

function documentOf({ atMs, op, path, sizeBytes, durationMs, outcome }: LoggedOp): Record<string, unknown> {
  return { at: new Date(atMs).toISOString(), op, path, size: sizeBytes, duration_ms: durationMs, outcome };
}

function linesAbout({ atMs, op, path, sizeBytes, outcome }: LoggedOp, paint: Paint): readonly string[] {
  const size = sizeBytes === null ? '' : readableBytes(sizeBytes);
  const failure = outcome === 'done' ? [] : [`    ${paint('red', printable(outcome))}`];
  const time = paint('dim', readableTime(atMs));
  return [`${time}  ${op.padEnd(OP_WIDTH)}  ${size.padStart(SIZE_WIDTH)}  ${printable(path)}`, ...failure];
}

function parseLimit(value: string): number {
  const limit = Number(value);
  if (Number.isSafeInteger(limit) && limit > 0) return limit;
  throw new InvalidArgumentError('Allowed: a whole number from 1 on.');
}

/** `mila-sync log [DIR]`. */
export function logCommand(): Command {
  return new Command('log')
    .description("the journal of a mount's operations, the newest last; works also when no mount runs")
    .argument('[dir]', 'the mount directory (default: the current one, else the only running one)')
    .option('--limit <n>', 'the newest n operations', parseLimit, LIMIT)
    .option('--json', 'one JSON array: at, op, path, size, duration_ms, outcome')
    .option('--no-color', 'no colours')
    .addHelpText('after', '\nExample:\n  mila-sync log --limit 20 data/box/server')
    .action(async (dir: string | undefined, flags: LogFlags) => {
      const output = processOutput(flags);
      const { layout } = await placeOf(undefined, dir);
      const ops = await withIndex(layout, (index) => [...index.loggedOps(flags.limit)].reverse());
      const paint = resultPaint(flags);
      if (output.json) output.document(ops.map(documentOf));
      else for (const op of ops) output.result(linesAbout(op, paint));
    });
}
