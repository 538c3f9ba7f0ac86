import { resolve } from 'node:path';
import { loadParticipantConfiguration, participantOf } from '../fl/config.ts';
import { mountLayoutOf } from './mount-layout.ts';
import type { MountFlags } from './mount-options.ts';
import { linesOf, processOutput } from './output.ts';

/** A word of a command as systemd reads it: quoted, with its specifiers and variables taken as they are. */
export function unitWord(word: string): string {
  const escaped = word.replace(/[\\"]/g, '\\$&').replaceAll('%', '%%').replaceAll('$', '$$$$');
  return /^[A-Za-z0-9_./:=@,+-]+$/.test(word) ? word : `"${escaped}"`;
}

interface Unit {
  readonly description: string;
  readonly workingDirectory: string;
  readonly command: readonly string[];
}

/**
 * A unit that keeps a mount running for its user.
 *
 * A wrong configuration and missing permissions (2, 3) end it, because no new start mends them. What the machine's
 * state refused (4) is tried again: another's lock, a full disk and a disk that is not mounted yet pass.
 */
export function unitText({ description, workingDirectory, command }: Unit): string {
  return `[Unit]
Description=${description.replaceAll('%', '%%')}
Wants=network-online.target
After=network-online.target

[Service]
Type=exec
WorkingDirectory=${workingDirectory.replaceAll('%', '%%')}
ExecStart=${command.map(unitWord).join(' ')}
Restart=on-failure
RestartSec=30
RestartPreventExitStatus=2 3
SuccessExitStatus=130
TimeoutStopSec=90

[Install]
WantedBy=default.target
`;
}

/** Print the unit of the mount that this command line describes. */
export async function printUnit(configPath: string, flags: MountFlags): Promise<void> {
  const output = processOutput(flags);
  const { configuration } = await loadParticipantConfiguration(configPath);
  const { directory, rootPath } = mountLayoutOf(configuration, flags.dir);
  const dropped = new Set(['--print-unit', '--detach', '--json']);
  const [program = '', ...args] = process.argv.slice(1).filter((arg) => !dropped.has(arg));
  const name = `mila-sync-${participantOf(configuration)}.service`;
  const unit = unitText({
    description: `mila-sync: ${rootPath.join('/')} of Box at ${directory}`,
    workingDirectory: process.cwd(),
    command: [process.execPath, resolve(program), ...args],
  });
  output.result(linesOf(unit.trimEnd()));
  output.note([
    `save it as ~/.config/systemd/user/${name}, then: systemctl --user enable --now ${name}`,
    'to have it run while you are not logged in: loginctl enable-linger',
  ]);
}
