import { Command } from 'commander';
import { systemClock } from '../../clock.ts';
import type { ClientOutcome, FederationClientOptions } from '../../fl/client.ts';
import { runFederationClient } from '../../fl/client.ts';
import type { ClientConfiguration } from '../../fl/config/client-configuration.ts';
import { loadClientConfiguration } from '../../fl/config/client-configuration.ts';
import type { FederationEvent } from '../../fl/round/event.ts';
import { assertHeld } from '../../sync/mount/mount-lock.ts';
import { keyForOwnMount } from '../box-key.ts';
import { openExecutor } from '../executor-factory.ts';
import { EXIT } from '../exit-codes.ts';
import type { FederationFlags } from '../federation-options.ts';
import {
  assertLogFits,
  federationVoice,
  parseRunName,
  withFederationOptions,
} from '../federation-options.ts';
import { takePartOverGrpc } from '../grpc-federation.ts';
import { listenForInterrupt } from '../interrupt.ts';
import { runHeld } from '../last-resort.ts';
import { openOnlookers } from '../onlookers.ts';
import { stopWithParent } from '../parent-watch.ts';
import { acquireRunLock } from '../run-lock.ts';
import { printUnit } from '../systemd-unit.ts';
import { openWorkdir } from '../workdir-factory.ts';

interface ClientFlags extends FederationFlags {
  readonly run?: string;
}

async function takePart(path: string, given: ClientFlags): Promise<void> {
  if (given.printUnit === true) return printUnit('client', path, given);
  const { configuration, warnings } = await loadClientConfiguration(path);
  await assertLogFits(given.logFile);
  // Before anything is started that would inherit it.
  const flags = { ...given, key: await keyForOwnMount(configuration, given, process) };
  const { output, logger, log, tell, notify, close } = federationVoice(
    flags,
    configuration.savePath,
    `${configuration.name}.log`,
  );
  for (const warning of warnings) output.note(`warning: ${warning}`);
  const clock = systemClock();
  const executor = await openExecutor(configuration, { clock, logger });
  await executor.check?.();
  const leave = new AbortController();
  const lock = await acquireRunLock(configuration, {
    clock,
    tell: output.note,
    onLost: () => leave.abort(),
  });
  const interrupt = listenForInterrupt();
  const { name } = configuration;
  const onlookers = openOnlookers({
    ...configuration,
    name,
    settings: {},
    clock,
    tell: notify,
    environment: process.env,
  });
  interrupt.signal.addEventListener('abort', () => leave.abort(), { once: true });
  const parent = stopWithParent(leave);
  try {
    const options = {
      ...configuration,
      run: flags.run ?? null,
      clock,
      logger,
      executor,
      onEvent: (event: FederationEvent) => {
        tell(event);
        onlookers.observe(event);
      },
      signal: leave.signal,
    };
    const { run, ending, finalModel } = await runHeld({ stop: leave, logger, log }, () =>
      configuration.transport === 'grpc'
        ? takePartOverGrpc(configuration, flags, { options, output })
        : takePartOverFolder(configuration, flags, options, output.note),
    );
    await assertHeld(lock);
    if (!output.json && finalModel !== null) output.result(finalModel);
    if (ending !== null) return;
    if (run !== null) output.note(`${configuration.name} left run ${run}; the next start goes on with it`);
    process.exitCode = EXIT.interrupted;
  } finally {
    close();
    await onlookers.close();
    parent.dispose();
    // Last, so that a second signal still stops at once whatever hangs above.
    interrupt.dispose();
    await lock.release();
  }
}

async function takePartOverFolder(
  configuration: ClientConfiguration,
  flags: ClientFlags,
  options: Omit<FederationClientOptions, 'workdir'>,
  note: (words: string) => void,
): Promise<ClientOutcome> {
  const { clock, logger, signal } = options;
  const { workdir, close } = await openWorkdir(configuration, flags, { clock, logger, signal, note });
  try {
    const serverAccount = configuration.box?.server_account ?? null;
    return await runFederationClient({ ...options, workdir, serverAccount });
  } finally {
    await close();
  }
}

/** `mila client CONFIG`: takes part in a federation as one participant. */
export function clientCommand(): Command {
  return withFederationOptions(
    new Command('client').description('take part in a federation as one participant'),
  )
    .option('--run <name>', 'the run to take part in (default: the newest)', parseRunName)
    .addHelpText('after', '\nExample:\n  mila client tester1.json --dir /srv/shared --json')
    .action(takePart);
}
