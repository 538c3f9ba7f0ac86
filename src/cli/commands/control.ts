import { Command } from 'commander';
import { delay, systemClock } from '../../clock.ts';
import { StateError } from '../../errors.ts';
import type { MountLayout } from '../../sync/local/mirror-root.ts';
import { askMount } from '../../sync/mount/ask-mount.ts';
import { lockOwner } from '../../sync/mount/lock-owner.ts';
import { lockPath } from '../../sync/mount/mount.ts';
import { chosenMount } from '../mount-choice.ts';
import { processOutput } from '../output.ts';

interface ControlFlags {
  readonly json?: boolean;
  readonly quiet?: boolean;
}

/** How long an orderly stop may take before the person is told. */
const STOP_MAX_MS = 60_000;
const STOP_LOOK_MS = 50;

async function waitUntilGone(layout: MountLayout): Promise<void> {
  const clock = systemClock();
  const deadline = clock.monotonic() + STOP_MAX_MS;
  while ((await lockOwner(lockPath(layout))) !== undefined) {
    if (clock.monotonic() > deadline) {
      throw new StateError({
        code: 'still-stopping',
        message: `the mount of ${layout.directory} is still stopping`,
      });
    }
    await delay(clock, STOP_LOOK_MS);
  }
}

/** Build a command that asks one mount for one thing. */
function controlCommand(
  name: 'unmount' | 'pause' | 'resume' | 'sync',
  description: string,
  done: string,
): Command {
  return new Command(name)
    .description(description)
    .argument('[dir]', 'the mount directory (default: the only running mount)')
    .option('--json', 'the outcome as JSON')
    .option('--quiet', 'no notes')
    .addHelpText('after', `\nExample:\n  mila-sync ${name} data/box/server`)
    .action(async (directory: string | undefined, flags: ControlFlags) => {
      const output = processOutput(flags);
      const layout = await chosenMount(directory);
      await askMount(layout, { command: name === 'unmount' ? 'stop' : name });
      if (name === 'unmount') await waitUntilGone(layout);
      if (output.json) output.document({ dir: layout.directory, done: name });
      else output.note(`${layout.directory}: ${done}`);
    });
}

/** `unmount`, `pause`, `resume`, `sync`. */
export function controlCommands(): readonly Command[] {
  return [
    controlCommand('unmount', 'stop a mount in order, and wait for it', 'unmounted'),
    controlCommand('pause', 'hold all transfers of a mount', 'paused'),
    controlCommand('resume', 'let the transfers of a mount go on', 'resumed'),
    controlCommand('sync', 'look at both sides of a mount again, now', 'looking'),
  ];
}
