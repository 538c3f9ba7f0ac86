import { Command } from 'commander';
import { systemClock } from '../../clock.ts';
import { runFederationClient } from '../../fl/client.ts';
import { loadClientConfiguration } from '../../fl/config/client-configuration.ts';
import { openExecutor } from '../executor-factory.ts';
import { EXIT } from '../exit-codes.ts';
import type { FederationFlags } from '../federation-options.ts';
import { federationVoice, parseRunName, withFederationOptions } from '../federation-options.ts';
import { listenForInterrupt } from '../interrupt.ts';
import { stopWithParent } from '../parent-watch.ts';
import { acquireRunLock } from '../run-lock.ts';
import { openWorkdir } from '../workdir-factory.ts';

interface ClientFlags extends FederationFlags {
  readonly run?: string;
}

async function takePart(path: string, flags: ClientFlags): Promise<void> {
  const { configuration, warnings } = await loadClientConfiguration(path);
  const { output, logger, tell } = federationVoice(
    flags,
    configuration.savePath,
    `${configuration.name}.log`,
  );
  for (const warning of warnings) output.note(`warning: ${warning}`);
  const clock = systemClock();
  const executor = await openExecutor(configuration, { clock, logger });
  await executor.check?.();
  const lock = await acquireRunLock(configuration);
  const interrupt = listenForInterrupt();
  const opened = await openWorkdir(configuration, flags, {
    clock,
    logger,
    isInterrupted: interrupt.interrupted,
  }).catch(async (error) => {
    interrupt.dispose();
    await lock.release();
    throw error;
  });
  const leave = new AbortController();
  interrupt.signal.addEventListener('abort', () => leave.abort(), { once: true });
  const parent = stopWithParent(leave);
  try {
    const { run, ending } = await runFederationClient({
      ...configuration,
      run: flags.run ?? null,
      workdir: opened.workdir,
      clock,
      logger,
      executor,
      onEvent: tell,
      signal: leave.signal,
    });
    if (ending !== null) return;
    if (run !== null) output.note(`${configuration.name} left run ${run}; the next start goes on with it`);
    process.exitCode = EXIT.interrupted;
  } finally {
    parent.dispose();
    await opened.close();
    // Last, so that a second signal still stops at once whatever hangs above.
    interrupt.dispose();
    await lock.release();
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
