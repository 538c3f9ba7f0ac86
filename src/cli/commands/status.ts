import { Command } from 'commander';
import { askMount } from '../../sync/mount/control-socket.ts';
import { type MountStatus, socketPath } from '../../sync/mount/mount.ts';
import { chosenMounts } from '../mount-choice.ts';
import { processOutput } from '../output.ts';
import { readableBytes } from '../paint.ts';

/** What a mount is at, in lines for a person. */
export function statusText(status: MountStatus): string {
  const { queue, bytes, entries, apiCalls } = status;
  const lines = [
    `${status.directory}  (${status.root}, process ${status.pid})`,
    `  state      ${status.state}${status.trouble === null ? '' : `: ${status.trouble}`}`,
    `  entries    ${entries.synced} agreed, ${entries.local} on the disk, ${entries.remote} in Box`,
    `  queue      ${queue.control} control, ${queue.bulk} bulk`,
    `  moved      ${readableBytes(bytes.up)} up, ${readableBytes(bytes.down)} down`,
    `  API calls  ${apiCalls.thisHour} this hour, ${apiCalls.sinceStart} since the start`,
  ];
  for (const { path, direction, sizeBytes } of status.transfers)
    lines.push(`  ${direction.padEnd(9)}  ${path} (${readableBytes(sizeBytes)})`);
  if (status.held !== null)
    lines.push(
      `  held       ${status.held.count} deletions wait for a person; mount again with --max-delete ${status.held.count} to let them through`,
    );
  for (const problem of status.problems) lines.push(`  problem    ${problem.path}: ${problem.message}`);
  for (const waiting of status.waiting)
    lines.push(`  waiting    ${waiting.message} (attempt ${waiting.attempts})`);
  return lines.join('\n');
}

/** `mila-sync status [DIR]`. */
export function statusCommand(): Command {
  return new Command('status')
    .description('state, queue, problems and API calls of a mount, or of every mount of this user')
    .argument('[dir]', 'the mount directory')
    .option('--json', 'a JSON array, one object a mount')
    .addHelpText('after', '\nExample:\n  mila-sync status data/box/server')
    .action(async (directory: string | undefined, flags: { readonly json?: boolean }) => {
      const output = processOutput(flags);
      const layouts = await chosenMounts(directory);
      // What answers is this same program; its answer needs no second description here.
      const all = await Promise.all(
        layouts.map(
          async (layout) => (await askMount(socketPath(layout), { command: 'status' })) as MountStatus,
        ),
      );
      if (output.json) output.document(all);
      else output.result(all.map(statusText).join('\n\n'));
    });
}
