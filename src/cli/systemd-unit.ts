import { resolve } from 'node:path';
import { loadParticipantConfiguration, type ParticipantConfiguration, participantOf } from '../fl/config.ts';
import { mountLayoutOf } from './mount-layout.ts';
import { linesOf, processOutput } from './output.ts';

/** A word of a command as systemd reads it: quoted, with its specifiers and variables taken as they are. */
export function unitWord(word: string): string {
  const escaped = word.replace(/[\\"]/g, '\\$&').replaceAll('%', '%%').replaceAll('$', '$$$$');
  return /^[A-Za-z0-9_./:=@,+-]+$/.test(word) ? word : `"${escaped}"`;
}

/** Which program a unit keeps running. */
export type UnitKind = 'mount' | 'server' | 'client';

interface Unit {
  readonly kind: UnitKind;
  readonly description: string;
  readonly workingDirectory: string;
  readonly command: readonly string[];
  /** The unit of the mount that it works on, where that is another one. */
  readonly mountUnit?: string | undefined;
}

/**
 * Exit codes after which no new start helps: a wrong configuration and missing permissions, and of a federation's
 * programs also a session that ended without success.
 */
const FINAL_CODES: Readonly<Record<UnitKind, string>> = { mount: '2 3', server: '2 3 6', client: '2 3 6' };

/**
 * What a mount never needs. A federation's programs keep the right to more: the training or aggregation command that
 * they start may be a container, or talk to other machines over whatever they have.
 */
const MOUNT_ONLY = ['RestrictNamespaces=yes', 'RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK'];

/**
 * A unit that keeps a program running for its user.
 *
 * What the machine's state refused (4) is tried again: another's lock, a full disk, a disk or a mount that is not there
 * yet pass. So is a peer out of reach (5).
 */
export function unitText({ kind, description, workingDirectory, command, mountUnit }: Unit): string {
  const others = mountUnit === undefined ? '' : ` ${mountUnit}`;
  return `[Unit]
Description=${description.replaceAll('%', '%%')}
Wants=network-online.target${others}
After=network-online.target${others}

[Service]
Type=exec
WorkingDirectory=${workingDirectory.replaceAll('%', '%%')}
ExecStart=${command.map(unitWord).join(' ')}
Restart=on-failure
RestartSec=30
RestartPreventExitStatus=${FINAL_CODES[kind]}
SuccessExitStatus=130
TimeoutStopSec=90
NoNewPrivileges=yes
LockPersonality=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
${kind === 'mount' ? `${MOUNT_ONLY.join('\n')}\n` : ''}
[Install]
WantedBy=default.target
`;
}

interface UnitFlags {
  readonly dir?: string;
  readonly mount?: boolean;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

const mountUnitOf = (configuration: ParticipantConfiguration) =>
  `mila-sync-${participantOf(configuration)}.service`;

function descriptionOf(kind: UnitKind, configuration: ParticipantConfiguration, flags: UnitFlags): string {
  if (kind === 'server') return `mila: the federation's server of ${resolve(configuration.path)}`;
  if (kind === 'client') return `mila: ${participantOf(configuration)} of a federation`;
  const { directory, rootPath } = mountLayoutOf(configuration, flags.dir);
  return `mila-sync: ${rootPath.join('/')} of Box at ${directory}`;
}

/** Whether a program works on a mount that runs on its own. */
function wantsMount(kind: UnitKind, configuration: ParticipantConfiguration, flags: UnitFlags): boolean {
  return (
    kind !== 'mount' && flags.dir === undefined && flags.mount !== true && configuration.transport !== 'grpc'
  );
}

/** Print the unit of the program that this command line describes. */
export async function printUnit(kind: UnitKind, configPath: string, flags: UnitFlags): Promise<void> {
  const output = processOutput(flags);
  const { configuration } = await loadParticipantConfiguration(configPath);
  const dropped = new Set(['--print-unit', '--detach', '--json']);
  const [program = '', ...args] = process.argv.slice(1).filter((arg) => !dropped.has(arg));
  const mountUnit = mountUnitOf(configuration);
  const name = kind === 'mount' ? mountUnit : `mila-${participantOf(configuration)}.service`;
  const isOnMount = wantsMount(kind, configuration, flags);
  const unit = unitText({
    kind,
    description: descriptionOf(kind, configuration, flags),
    workingDirectory: process.cwd(),
    command: [process.execPath, resolve(program), ...args],
    mountUnit: isOnMount ? mountUnit : undefined,
  });
  output.result(linesOf(unit.trimEnd()));
  output.note([
    `save it as ~/.config/systemd/user/${name}, then: systemctl --user enable --now ${name}`,
    'to have it run while you are not logged in: loginctl enable-linger',
    ...(isOnMount ? [`it starts after ${mountUnit}: mila-sync mount ${configPath} --print-unit`] : []),
    ...(kind === 'server'
      ? [`when the run has ended: systemctl --user disable ${name}, or the next log-in begins a new run`]
      : []),
  ]);
}
