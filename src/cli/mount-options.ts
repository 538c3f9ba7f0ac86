import { type Command, InvalidArgumentError, Option } from 'commander';
import { PROFILE_KINDS, type Profile } from '../sync/mount/profiles.ts';
import { bandwidth, perMinute, wholeNumber } from './option-values.ts';
import { LOG_LEVELS, type LogLevel } from './pino-logger.ts';

/** What `mila-sync mount` was told. */
export interface MountFlags {
  readonly dir?: string;
  readonly profile?: Profile['kind'];
  readonly include?: readonly string[];
  readonly exclude?: readonly string[];
  readonly bandwidthUp?: number;
  readonly bandwidthDown?: number;
  readonly apiBudget?: number;
  readonly maxDelete?: number;
  readonly bringBack?: boolean;
  readonly conflictCopies: 'apart' | 'beside';
  readonly once?: boolean;
  readonly dryRun?: boolean;
  readonly record?: string;
  readonly recordContent?: number;
  readonly detach?: boolean;
  readonly metricsPort?: number;
  readonly printUnit?: boolean;
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly verbose?: boolean;
  readonly color: boolean;
  readonly logLevel: LogLevel;
}

/** Longer patterns than this are no patterns. */
const GLOB_MAX = 1000;
/** Below this, streams would stand still for so long that a connection counts as lost. Units: bytes a second. */
const RATE_MIN = 8 * 1024;
const PORT_MAX = 65_535;

function collectGlob(value: string, former: readonly string[] = []): readonly string[] {
  if (value === '' || value.length > GLOB_MAX)
    throw new InvalidArgumentError(`Allowed: a pattern of 1 to ${GLOB_MAX} characters.`);
  return [...former, value];
}

function rate(value: string): number {
  const bytes = bandwidth(value);
  if (bytes < RATE_MIN) throw new InvalidArgumentError('Allowed: 8K a second or more.');
  return bytes;
}

function budget(value: string): number {
  const calls = perMinute(value);
  if (calls < 1) throw new InvalidArgumentError('Allowed: 1/min or more.');
  return calls;
}

/** Give a command the options of `mount`. */
export function withMountOptions(command: Command): Command {
  return command
    .option(
      '--dir <dir>',
      'the mount directory (default: box_configuration.mount_path, else data/box/<participant>)',
    )
    .addOption(
      new Option(
        '--profile <profile>',
        "what is kept on the disk (default: by the configuration's role)",
      ).choices(PROFILE_KINDS),
    )
    .option(
      '--include <glob>',
      'mirror only files that match; without a slash at any depth, with one from the mirrored folder down (repeatable)',
      collectGlob,
    )
    .option(
      '--exclude <glob>',
      'leave out what matches, on both sides; wins over --include (repeatable)',
      collectGlob,
    )
    .option('--bandwidth-up <rate>', 'bytes a second to Box, such as 500K or 2.5M', rate)
    .option('--bandwidth-down <rate>', 'bytes a second from Box', rate)
    .option('--api-budget <n/min>', 'calls to Box in a minute, on average; bursts are evened out', budget)
    .option(
      '--max-delete <n>',
      'hold more deletions than this in one pass for a person to confirm (default: half of what either side holds)',
      wholeNumber(0, Number.MAX_SAFE_INTEGER),
    )
    .option(
      '--bring-back',
      'take nothing that is missing for deleted: what one side lacks comes back from the other',
    )
    .addOption(
      new Option(
        '--conflict-copies <where>',
        'where the second copy goes: apart in DIR/.mila-sync/conflicts, or beside as NAME.conflict, mirrored',
      )
        .choices(['apart', 'beside'])
        .default('apart'),
    )
    .option('--once', 'reconcile until nothing is left to do, then exit')
    .option('--dry-run', 'print what would be done; touch nothing, neither here nor in Box')
    .option(
      '--record <file>',
      'record everything that is seen and done, for mila-sync replay; goes on with an earlier recording',
    )
    .option(
      '--record-content <bytes>',
      'record longer contents by hash and length only (default: 4194304)',
      wholeNumber(0, Number.MAX_SAFE_INTEGER),
    )
    .option('--detach', 'go to the background, and return once ready')
    .option(
      '--metrics-port <port>',
      'figures for Prometheus at http://127.0.0.1:PORT/metrics',
      wholeNumber(0, PORT_MAX),
    )
    .option('--print-unit', 'print a systemd user unit for this mount, and exit')
    .option('--json', 'events as JSON, one a line, on standard output')
    .option('--quiet', 'no notes on standard error')
    .option('--verbose', 'log more')
    .option('--no-color', 'no colours')
    .addOption(
      new Option('--log-level <level>', 'how much goes to DIR/.mila-sync/log.jsonl')
        .choices(LOG_LEVELS)
        .default('info'),
    );
}
