import { join } from 'node:path';
import { Command } from 'commander';
import { systemClock } from '../../clock.ts';
import { messageOf } from '../../errors.ts';
import {
  loadParticipantConfiguration,
  type ParticipantConfiguration,
  participantOf,
} from '../../fl/config.ts';
import { silentLogger } from '../../logger.ts';
import { systemRandom } from '../../random.ts';
import type { ApiBudget } from '../../sync/box/pacer.ts';
import type { EngineState } from '../../sync/engine/status.ts';
import { type MountLayout, stateFolder } from '../../sync/local/mirror-root.ts';
import { Bandwidth } from '../../sync/mount/bandwidth.ts';
import { dryRun } from '../../sync/mount/dry-run.ts';
import { LOG_NAME, type MountOptions, runMount } from '../../sync/mount/mount.ts';
import type { MountStatus } from '../../sync/mount/mount-status.ts';
import { openPrivateFolder } from '../../sync/mount/private-folder.ts';
import { attentionOf, type Profile } from '../../sync/mount/profiles.ts';
import { selectionFilter, selectionText } from '../../sync/mount/selection.ts';
import { boxConnection } from '../box-connection.ts';
import { keyToPassOn } from '../box-key.ts';
import { isDetached, startDetached, tellParent, tellParentOfWait } from '../detached.ts';
import { printDryRun } from '../dry-run-text.ts';
import { EXIT } from '../exit-codes.ts';
import { fitHeap } from '../fit-heap.ts';
import { listenForInterrupt } from '../interrupt.ts';
import { runHeld } from '../last-resort.ts';
import { type MetricsServer, serveMetrics } from '../metrics.ts';
import { registryFolder } from '../mount-choice.ts';
import { mountLayoutOf } from '../mount-layout.ts';
import { type MountFlags, withMountOptions } from '../mount-options.ts';
import { MountTeller } from '../mount-teller.ts';
import { Notices } from '../notices.ts';
import { OncePass } from '../once-pass.ts';
import { type Output, processOutput } from '../output.ts';
import { stopWithParent } from '../parent-watch.ts';
import { pinoLogger } from '../pino-logger.ts';
import { openRecorder } from '../recording-option.ts';
import { type RememberedMount, rememberMount } from '../remembered-mount.ts';
import { isRemarkable, STATE_WORDS } from '../state-words.ts';
import { printUnit } from '../systemd-unit.ts';

/** A server mirrors what servers read, a client what it needs itself, unless told otherwise. */
function profileOf(configuration: ParticipantConfiguration, asked?: Profile['kind']): Profile {
  const kind = asked ?? configuration.role;
  if (kind !== 'client') return { kind };
  return configuration.role === 'client' ? { kind, name: configuration.name } : { kind: 'server' };
}

const MINUTES_PER_HOUR = 60;
/** The budget is named by the minute and kept by the hour: bursts pass. */
function budgetOf({ apiBudget }: MountFlags): ApiBudget | undefined {
  return apiBudget === undefined ? undefined : { callsPerHour: apiBudget * MINUTES_PER_HOUR };
}

/** A mount in the background is read by its parent, and a rehearsal is over at once: neither needs times. */
function outputFor(flags: MountFlags): Output {
  return processOutput({ ...flags, noColour: !flags.color, timed: !flags.dryRun && !isDetached() });
}

async function mount(configPath: string, flags: MountFlags): Promise<void> {
  if (flags.printUnit) return printUnit('mount', configPath, flags);
  if (flags.detach) return startDetached(processOutput(flags), await keyToPassOn(configPath, process));
  const output = outputFor(flags);
  const { configuration, warnings } = await loadParticipantConfiguration(configPath);
  for (const warning of warnings) output.note(`warning: ${configPath}: ${warning}`);
  const profile = profileOf(configuration, flags.profile);
  const selection = { profile, include: flags.include ?? [], exclude: flags.exclude ?? [] };
  const clock = systemClock();
  const layout = mountLayoutOf(configuration, flags.dir);
  const log = flags.dryRun ? undefined : join(stateFolder(layout), LOG_NAME);
  // Before the log is opened, which would make the folder by the umask. What keeps it from being made is told with the lock.
  if (log !== undefined) await openPrivateFolder(stateFolder(layout)).catch(() => undefined);
  const notices = new Notices(output);
  const level = flags.verbose ? 'debug' : flags.logLevel;
  const logger = log === undefined ? silentLogger : pinoLogger(level, log, notices.tell);
  notices.logTo(logger);
  const random = systemRandom();
  const surroundings = { clock, random, logger, environment: process.env };
  const limit = (rate?: number) => (rate === undefined ? undefined : new Bandwidth(clock, rate));
  const teller = new MountTeller({ output, clock, logger });
  const { onPaced } = teller;
  const connecting = { ...surroundings, apiBudget: budgetOf(flags), lookOnly: flags.dryRun, onPaced };
  const started = {
    layout,
    participant: participantOf(configuration),
    createRoot: configuration.role === 'server',
    openStore: await boxConnection(configuration, connecting),
    filter: selectionFilter(selection),
    selection: selectionText(selection),
    attention: attentionOf(profile),
    monthlyApiQuota: configuration.box?.monthly_api_quota,
    conflictCopies: flags.conflictCopies,
    bandwidth: { up: limit(flags.bandwidthUp), down: limit(flags.bandwidthDown) },
    ...(flags.maxDelete === undefined ? {} : { deletionsMax: flags.maxDelete }),
    bringBack: flags.bringBack === true,
    clock,
    random,
    logger,
    onNotice: notices.tell,
  };
  const interrupt = listenForInterrupt();
  const stop = new AbortController();
  interrupt.signal.addEventListener('abort', () => stop.abort(), { once: true });
  const parent = stopWithParent(stop);
  try {
    const options = { ...started, signal: stop.signal };
    if (flags.dryRun) printDryRun(await dryRun(options), output);
    else await runHeld({ stop, logger, log }, () => runUntilStopped(options, flags, { output, teller }));
  } catch (error) {
    logger.error({ error: messageOf(error) }, 'the mount ended with an error');
    throw error;
  } finally {
    parent.dispose();
    interrupt.dispose();
  }
  if (interrupt.interrupted()) process.exitCode = EXIT.interrupted;
}

type RunOptions = MountOptions & { readonly onNotice: Notices['tell'] };

async function runUntilStopped(
  options: RunOptions,
  flags: MountFlags,
  { output, teller }: { readonly output: Output; readonly teller: MountTeller },
): Promise<void> {
  const { layout, clock, onNotice: tell } = options;
  output.note(`mounting ${layout.rootPath.join('/')} of Box at ${layout.directory}`);
  const enough = new AbortController();
  const signal = AbortSignal.any([options.signal, enough.signal]);
  const once = flags.once ? new OncePass(clock, () => enough.abort()) : undefined;
  const recorder = await openRecorder({
    path: flags.record,
    contentMaxBytes: flags.recordContent,
    layout,
    clock,
    logger: options.logger,
  });
  // After the recorder: nothing that fails may leave a port open, which would keep the process alive.
  const metrics = await metricsFor(flags, { layout, output, tell });
  const recording = recorder === undefined ? {} : { recorder };
  let remembered: RememberedMount | undefined;
  let isConnected = false;
  const onState = (state: EngineState) => {
    if (!isConnected) tellConnected(output, layout, state);
    isConnected = true;
    teller.onState(state);
    if (isRemarkable(state)) tellParentOfWait(STATE_WORDS[state]);
    once?.onState(state);
  };
  try {
    await runMount({ ...options, ...recording, fitHeap, signal, onState }, (running) => {
      // Only the holder of the lock comes here, so no other mount's entry is touched.
      remembered = rememberMount(layout, { folder: registryFolder(process.env), tell });
      tellReady(output, layout, running.status());
      teller.watch(() => running.status());
      once?.onReady(running);
    });
  } finally {
    teller.close();
    await metrics?.close();
    await recorder?.close();
    await remembered?.forget();
  }
  once?.assertFinished();
  output.note(`unmounted ${layout.directory}`);
}

async function metricsFor(
  { metricsPort: port }: MountFlags,
  { layout, output, tell }: { layout: MountLayout; output: Output; tell: Notices['tell'] },
): Promise<MetricsServer | undefined> {
  if (port === undefined) return undefined;
  const onFailure = (error: unknown) => tell('metrics', `figures cannot be served now: ${messageOf(error)}`);
  return serveMetrics({ port, layout, output, onFailure });
}

/** Box has let this mount in; its content may take long still. */
function tellConnected(output: Output, layout: MountLayout, state: EngineState): void {
  if (!output.json) return;
  const root = join(layout.directory, ...layout.rootPath);
  output.document({ event: 'connected', dir: layout.directory, root, state });
}

function tellReady(output: Output, layout: MountLayout, status: MountStatus): void {
  const root = join(layout.directory, ...layout.rootPath);
  if (output.json) output.document({ event: 'ready', dir: layout.directory, root });
  else output.result(`ready ${root}`);
  tellParent({ event: 'ready', dir: layout.directory, root, pid: status.pid });
}

/** `mila-sync mount CONFIG`. */
export function mountCommand(): Command {
  return withMountOptions(
    new Command('mount')
      .description(
        "mirror the session folder of a server's or client's configuration into a directory, until stopped",
      )
      .argument('<config>', 'a Mila configuration file (JSON or YAML)'),
  )
    .addHelpText('after', '\nExample:\n  mila-sync mount server.json --dir /data/federation')
    .action(mount);
}
