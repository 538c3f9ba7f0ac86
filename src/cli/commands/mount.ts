import { join } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { systemClock } from '../../clock.ts';
import { messageOf } from '../../errors.ts';
import { loadParticipantConfiguration, type ParticipantConfiguration } from '../../fl/config.ts';
import { systemRandom } from '../../random.ts';
import type { EngineState } from '../../sync/engine/status.ts';
import { type MountLayout, stateFolder } from '../../sync/local/mirror-root.ts';
import { type MountStatus, runMount } from '../../sync/mount/mount.ts';
import { feedGapMaxMs, PROFILE_KINDS, type Profile, profileFilter } from '../../sync/mount/profiles.ts';
import { registerMount, unregisterMount } from '../../sync/mount/registry.ts';
import { boxConnection } from '../box-connection.ts';
import { EXIT } from '../exit-codes.ts';
import { listenForInterrupt } from '../interrupt.ts';
import { registryFolder } from '../mount-choice.ts';
import { mountLayoutOf } from '../mount-layout.ts';
import { type Output, processOutput } from '../output.ts';
import { stopWithParent } from '../parent-watch.ts';
import { LOG_LEVELS, type LogLevel, pinoLogger } from '../pino-logger.ts';
import { openRecorder } from '../recording-option.ts';

interface MountFlags {
  readonly dir?: string;
  readonly profile?: Profile['kind'];
  readonly maxDelete?: number;
  readonly once?: boolean;
  readonly record?: string;
  readonly recordContent?: number;
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly logLevel: LogLevel;
}

/** A server mirrors what servers read, a client what it needs itself, unless told otherwise. */
function profileOf(configuration: ParticipantConfiguration, asked?: Profile['kind']): Profile {
  const kind = asked ?? configuration.role;
  if (kind !== 'client') return { kind };
  return configuration.role === 'client' ? { kind, name: configuration.name } : { kind: 'server' };
}

/** What a state of the engine means to the person who watches. */
const STATE_WORDS: Readonly<Record<EngineState, string>> = {
  'awaiting-folder': 'waiting for the server to make the folder in Box',
  starting: 'comparing the folder in Box with the directory',
  syncing: 'syncing',
  'in-sync': 'in sync',
  waiting: 'in sync but for entries that are tried again; see mila-sync status',
  paused: 'paused',
  offline: 'Box is out of reach; trying again',
  'access-lost':
    'the folder is not shared with this account any more; nothing is deleted, waiting for it to come back',
  'root-missing':
    'the mirrored directory is gone from the disk; nothing is deleted in Box, waiting for it to come back',
  full: 'disk or quota is full; going on when there is room',
  stopped: 'stopped',
};

/** States that a person should hear of at once. */
const REMARKABLE: ReadonlySet<EngineState> = new Set(['offline', 'access-lost', 'root-missing', 'full']);

async function mount(configPath: string, flags: MountFlags): Promise<void> {
  const output = processOutput(flags);
  const { configuration, warnings } = await loadParticipantConfiguration(configPath);
  for (const warning of warnings) output.note(`warning: ${configPath}: ${warning}`);
  const layout = mountLayoutOf(configuration, flags.dir);
  const clock = systemClock();
  const random = systemRandom();
  const logger = pinoLogger(flags.logLevel, join(stateFolder(layout), 'log.jsonl'));
  const interrupt = listenForInterrupt();
  const stop = new AbortController();
  interrupt.signal.addEventListener('abort', () => stop.abort(), { once: true });
  const parent = stopWithParent(stop);
  const openStore = await boxConnection(configuration, { clock, random, logger, environment: process.env });
  const profile = profileOf(configuration, flags.profile);
  const started = {
    layout,
    createRoot: configuration.role === 'server',
    openStore,
    filter: profileFilter(profile),
    feedGapMaxMs: feedGapMaxMs(profile),
    clock,
    random,
    logger,
  };
  const onState = (state: EngineState) => tellState(output, state);
  const deletions = flags.maxDelete === undefined ? {} : { deletionsMax: flags.maxDelete };
  const recorder = await openRecorder({
    path: flags.record,
    contentMaxBytes: flags.recordContent,
    layout,
    clock,
    logger,
  });
  const recording = recorder === undefined ? {} : { recorder };
  output.note(`mounting ${layout.rootPath.join('/')} of Box at ${layout.directory}`);
  const registry = registryFolder(process.env);
  let registered: Promise<void> | undefined;
  try {
    await runMount({ ...started, ...deletions, ...recording, onState, signal: stop.signal }, (running) => {
      // Only the holder of the lock comes here, so no other mount's entry is touched.
      registered = registerMount(registry, layout);
      tellReady(output, layout, running.status());
      if (flags.once) running.stop();
    });
  } catch (error) {
    logger.error({ error: messageOf(error) }, 'the mount ended with an error');
    throw error;
  } finally {
    await recorder?.close();
    if (registered !== undefined) await registered.then(() => unregisterMount(registry, layout));
    parent.dispose();
    interrupt.dispose();
  }
  if (interrupt.interrupted()) process.exitCode = EXIT.interrupted;
}

function tellState(output: Output, state: EngineState): void {
  if (output.json) output.document({ event: 'state', state });
  if (output.interactive || REMARKABLE.has(state)) output.note(STATE_WORDS[state]);
}

function tellReady(output: Output, layout: MountLayout, status: MountStatus): void {
  const root = join(layout.directory, ...layout.rootPath);
  if (output.json) output.document({ event: 'ready', dir: layout.directory, root });
  else output.result(`ready ${root}`);
  if (status.held !== null) {
    output.note(
      `${status.held.count} deletions are held (limit ${status.held.limit}); to let them through, mount again with --max-delete ${status.held.count}`,
    );
  }
}

function parseCount(value: string): number {
  const count = Number(value);
  if (!Number.isSafeInteger(count) || count < 0)
    throw new InvalidArgumentError('Allowed: a whole number from 0 on.');
  return count;
}

/** `mila-sync mount CONFIG`. */
export function mountCommand(): Command {
  return new Command('mount')
    .description(
      'mirror the session folder of a server’s or client’s configuration into a directory, until stopped',
    )
    .argument('<config>', 'a Mila configuration file (JSON or YAML)')
    .option(
      '--dir <dir>',
      'the mount directory (default: box_configuration.mount_path, else data/box/<participant>)',
    )
    .addOption(
      new Option(
        '--profile <profile>',
        'what is kept on the disk (default: by the configuration’s role)',
      ).choices(PROFILE_KINDS),
    )
    .option(
      '--max-delete <n>',
      'hold more deletions than this in one pass for a person to confirm',
      parseCount,
    )
    .option('--once', 'reconcile until nothing is left to do, then exit')
    .option('--record <file>', 'record everything that is seen and done, for mila-sync replay')
    .option(
      '--record-content <bytes>',
      'record longer contents by hash and length only (default: 4194304)',
      parseCount,
    )
    .option('--json', 'events as JSON, one a line, on standard output')
    .option('--quiet', 'no notes on standard error')
    .addOption(
      new Option('--log-level <level>', 'how much goes to DIR/.mila-sync/log.jsonl')
        .choices(LOG_LEVELS)
        .default('info'),
    )
    .addHelpText('after', '\nExample:\n  mila-sync mount server.json --dir /data/federation')
    .action(mount);
}
