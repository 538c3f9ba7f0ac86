import { Command } from 'commander';
import { delay, systemClock } from '../../clock.ts';
import { printable } from '../../printable.ts';
import type { EngineState } from '../../sync/engine/status.ts';
import { askMount } from '../../sync/mount/ask-mount.ts';
import type { MountStatus } from '../../sync/mount/mount-status.ts';
import { EXIT } from '../exit-codes.ts';
import { listenForInterrupt } from '../interrupt.ts';
import { chosenMounts } from '../mount-choice.ts';
import { describeError, linesOf, type Output, processOutput } from '../output.ts';
import { type Paint, readableBytes, readableTime, resultPaint } from '../paint.ts';

interface StatusFlags {
  readonly json?: boolean;
  readonly watch?: boolean;
  readonly color: boolean;
}

const COLOURS: Partial<Record<EngineState, Parameters<Paint>[0]>> = {
  'in-sync': 'green',
  starting: 'yellow',
  syncing: 'yellow',
  'awaiting-folder': 'yellow',
  waiting: 'yellow',
  paused: 'yellow',
  offline: 'red',
  'access-lost': 'red',
  'root-missing': 'red',
  'root-replaced': 'red',
  'root-emptied': 'red',
  full: 'red',
};
const NOTHING: Paint = (_colour, text) => text;
const ENDPOINTS_MAX = 5;
const WATCH_MS = 1000;

function rateText({ up, down }: MountStatus['throughput']): string {
  return up + down < 1 ? '' : `; now ${readableBytes(up)}/s up, ${readableBytes(down)}/s down`;
}

function quotaText({ monthlyQuota }: MountStatus['apiCalls']): string {
  if (monthlyQuota === null) return '';
  return ` (${(100 * monthlyQuota.share).toFixed(1)} % of the plan's ${monthlyQuota.calls})`;
}

/** What a mount is at, in lines for a person. */
export function statusText(status: MountStatus, paint: Paint = NOTHING): string {
  const { queue, bytes, entries, apiCalls, state } = status;
  const trouble = status.trouble === null ? '' : `: ${printable(status.trouble)}`;
  const last = status.lastChangeAtMs === null ? 'nothing yet' : readableTime(status.lastChangeAtMs);
  const lines = [
    `${printable(status.directory)}  (${printable(status.root)}, process ${status.pid})`,
    `  state      ${paint(COLOURS[state] ?? 'dim', state)}${trouble}`,
    `  entries    ${entries.synced} agreed, ${entries.local} on the disk, ${entries.remote} in Box`,
    `  queue      ${queue.control} control, ${queue.bulk} bulk`,
    `  moved      ${readableBytes(bytes.up)} up, ${readableBytes(bytes.down)} down${rateText(status.throughput)}`,
    `  last       ${last}`,
    `  API calls  ${apiCalls.thisHour} this hour, ${apiCalls.thisMonth} this month${quotaText(apiCalls)}, ${apiCalls.sinceStart} since the start`,
  ];
  const busiest = Object.entries(apiCalls.byEndpoint).sort(([, a], [, b]) => b - a);
  for (const [endpoint, calls] of busiest.slice(0, ENDPOINTS_MAX))
    lines.push(paint('dim', `             ${String(calls).padStart(6)}  ${printable(endpoint)}`));
  for (const { path, direction, sizeBytes, doneBytes } of status.transfers)
    lines.push(
      `  ${direction.padEnd(9)}  ${printable(path)} (${Math.floor((100 * doneBytes) / sizeBytes)} % of ${readableBytes(sizeBytes)})`,
    );
  if (status.conflicts > 0)
    lines.push(paint('yellow', `  conflicts  ${status.conflicts}; see mila-sync conflicts`));
  if (status.held !== null)
    lines.push(
      paint(
        'red',
        `  held       ${status.held.count} deletions wait for a person; mount again with --max-delete ${status.held.count} to let them through, or with --bring-back`,
      ),
    );
  for (const { path, message } of status.problems)
    lines.push(paint('yellow', `  problem    ${printable(path)}: ${printable(message)}`));
  for (const { path, message, attempts } of status.waiting)
    lines.push(
      paint('yellow', `  waiting    ${printable(path)}: ${printable(message)} (attempt ${attempts})`),
    );
  for (const notice of status.notices) lines.push(paint('yellow', `  notice     ${printable(notice)}`));
  return lines.join('\n');
}

const statusesText = (all: readonly MountStatus[], paint: Paint) =>
  all.map((each) => statusText(each, paint)).join('\n\n');

/** Guarantees: where all mounts are meant, one that cannot be asked hides none of the others. */
async function statuses(
  directory: string | undefined,
  note: (lines: readonly string[]) => void,
): Promise<readonly MountStatus[]> {
  const layouts = await chosenMounts(directory);
  const answers = await Promise.allSettled(layouts.map((layout) => askMount(layout, { command: 'status' })));
  // What answers is this same program; its answer needs no second description here.
  const told = answers.flatMap((each) => (each.status === 'fulfilled' ? [each.value as MountStatus] : []));
  const failures = answers.flatMap((each) => (each.status === 'rejected' ? [each.reason as unknown] : []));
  if (told.length === 0 && failures.length > 0) throw failures[0];
  for (const failure of failures) note(describeError(failure));
  return told;
}

/** On a terminal the picture is drawn anew; on a pipe each change is a block, or a line of JSON. */
async function watch(directory: string | undefined, output: Output, paint: Paint): Promise<void> {
  const interrupt = listenForInterrupt();
  let shown = '';
  const noted = new Set<string>();
  const noteOnce = (lines: readonly string[]) => {
    const text = lines.join('\n');
    if (!noted.has(text)) output.note(lines);
    noted.add(text);
  };
  try {
    while (!interrupt.signal.aborted) {
      const all = await statuses(directory, noteOnce);
      const text = output.json ? JSON.stringify(all) : statusesText(all, paint);
      if (text !== shown && output.json) output.document(all);
      else if (text !== shown) output.redrawn(linesOf(text));
      shown = text;
      await delay(systemClock(), WATCH_MS, interrupt.signal);
    }
    process.exitCode = EXIT.interrupted;
  } finally {
    interrupt.dispose();
  }
}

/** `mila-sync status [DIR]`. */
export function statusCommand(): Command {
  return new Command('status')
    .description('state, queue, problems and API calls of a mount, or of every mount of this user')
    .argument('[dir]', 'the mount directory')
    .option('--watch', 'go on showing it, until stopped')
    .option('--json', 'a JSON array, one object a mount; with --watch, one array a line and change')
    .option('--no-color', 'no colours')
    .addHelpText('after', '\nExample:\n  mila-sync status --watch data/box/server')
    .action(async (directory: string | undefined, flags: StatusFlags) => {
      const output = processOutput(flags);
      const paint = resultPaint(flags);
      if (flags.watch) return watch(directory, output, paint);
      const all = await statuses(directory, output.note);
      if (output.json) output.document(all);
      else output.result(linesOf(statusesText(all, paint)));
    });
}
