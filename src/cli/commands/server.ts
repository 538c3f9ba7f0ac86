import { join } from 'node:path';
import { Command, Option } from 'commander';
import { systemClock } from '../../clock.ts';
import { messageOf, RoundError } from '../../errors.ts';
import type { ServerConfiguration } from '../../fl/config/server-configuration.ts';
import { loadServerConfiguration } from '../../fl/config/server-configuration.ts';
import type { FederationEvent } from '../../fl/round/event.ts';
import type { ServerOutcome } from '../../fl/server.ts';
import { type FederationServerOptions, runFederationServer } from '../../fl/server.ts';
import { CheckpointChecker } from '../../fl/torch/checkpoint-checker.ts';
import type { WhichRun } from '../../fl/transport/server-run.ts';
import { systemRandom } from '../../random.ts';
import { assertHeld } from '../../sync/mount/mount-lock.ts';
import { openAggregator } from '../aggregator-factory.ts';
import { keyForOwnMount } from '../box-key.ts';
import { EXIT } from '../exit-codes.ts';
import type { FederationFlags } from '../federation-options.ts';
import {
  assertLogFits,
  federationVoice,
  parseRunName,
  withFederationOptions,
} from '../federation-options.ts';
import { readSummary, summaryText } from '../federation-summary.ts';
import { serveOverGrpc } from '../grpc-federation.ts';
import { listenForInterrupt } from '../interrupt.ts';
import { runHeld } from '../last-resort.ts';
import { type Onlookers, openOnlookers } from '../onlookers.ts';
import { wholeNumber } from '../option-values.ts';
import { linesOf, type Output } from '../output.ts';
import { stopWithParent } from '../parent-watch.ts';
import { acquireRunLock, sessionOf } from '../run-lock.ts';
import { createServerMetrics, serveMetrics } from '../server-metrics.ts';
import { assertInputsReadable, stripStartPoint } from '../server-start.ts';
import { printUnit } from '../systemd-unit.ts';
import { openWorkdir } from '../workdir-factory.ts';

type Voice = ReturnType<typeof federationVoice>;

interface ServerFlags extends FederationFlags {
  readonly resume?: string | true;
  readonly new?: boolean;
  readonly end?: boolean;
  readonly metricsPort?: number;
}

function resumeOf(flags: ServerFlags): WhichRun {
  if (flags.end === true) return 'open';
  if (flags.new === true) return 'never';
  if (flags.resume === undefined) return 'auto';
  return flags.resume === true ? 'newest' : { run: flags.resume };
}

function tellMetricsFailure({ notify }: Voice): (error: unknown) => void {
  return (error) => notify('metrics', `figures cannot be served now: ${messageOf(error)}`);
}

/** Those who look on, as the configuration names them. */
function onlookersOf(configuration: ServerConfiguration, voice: Voice): Onlookers {
  const { settings, aggregatorType } = configuration;
  return openOnlookers({
    ...configuration,
    name: null,
    settings: { rounds: String(settings.roundsCount), aggregator: aggregatorType },
    clock: systemClock(),
    tell: voice.notify,
    environment: process.env,
  });
}

async function serve(
  configuration: ServerConfiguration,
  flags: ServerFlags,
  voice: Voice,
): Promise<ServerOutcome> {
  const { logger, tell } = voice;
  const clock = systemClock();
  await assertInputsReadable(configuration);
  const ended = new AbortController();
  const aggregator = await openAggregator(configuration, { clock, logger, signal: ended.signal });
  const stop = new AbortController();
  const park = new AbortController();
  const lock = await acquireRunLock(configuration, {
    clock,
    tell: voice.output.note,
    onLost: () => park.abort(),
  });
  const checker = new CheckpointChecker();
  const metrics = createServerMetrics();
  const onlookers = onlookersOf(configuration, voice);
  const interrupt = listenForInterrupt();
  // Whoever stops this program, or switches the machine off, leaves the run open: others, elsewhere, take part in it.
  interrupt.signal.addEventListener('abort', () => park.abort(), { once: true });
  if (flags.end === true) stop.abort();
  const parent = stopWithParent(park);
  let endpoint: { close(): void } | undefined;
  try {
    if (flags.metricsPort !== undefined)
      endpoint = await serveMetrics(metrics, flags.metricsPort, tellMetricsFailure(voice));
    const options = {
      ...configuration,
      resume: resumeOf(flags),
      session: sessionOf(configuration),
      clock,
      random: systemRandom(),
      logger,
      aggregator,
      inspect: (path: string, signal?: AbortSignal) => checker.problemOf(path, signal),
      stripStartPoint: (source: string, output: string) => stripStartPoint(logger, source, output),
      onEvent: (event: FederationEvent) => {
        metrics.observe(event);
        tell(event);
        onlookers.observe(event);
      },
      stop: stop.signal,
      park: park.signal,
    };
    const outcome = await runHeld({ stop: park, logger, log: voice.log }, () =>
      configuration.transport === 'grpc'
        ? serveOverGrpc(configuration, flags, {
            options: { ...options, isStartedToEnd: flags.end === true },
            output: voice.output,
            onCall: metrics.call,
          })
        : serveOverFolder(configuration, flags, options, voice.output.note),
    );
    await assertHeld(lock);
    return outcome;
  } finally {
    voice.close();
    await onlookers.close();
    endpoint?.close();
    ended.abort();
    await checker.close();
    parent.dispose();
    // Last, so that a second signal still stops at once whatever hangs above.
    interrupt.dispose();
    await lock.release();
  }
}

async function serveOverFolder(
  configuration: ServerConfiguration,
  flags: ServerFlags,
  options: Omit<FederationServerOptions, 'workdir'>,
  note: (words: string) => void,
): Promise<ServerOutcome> {
  const { clock, logger, park: signal } = options;
  const { workdir, close } = await openWorkdir(configuration, flags, { clock, logger, signal, note });
  try {
    return await runFederationServer({ ...options, workdir });
  } finally {
    await close();
  }
}

/** What the run came to, round by round, whichever of the server's lives saw it. */
async function tellSummary(
  { run, finalModel }: ServerOutcome,
  savePath: string,
  output: Output,
): Promise<void> {
  const rounds = await readSummary(join(savePath, run, 'history.jsonl'));
  if (output.json) output.document({ event: 'summary', run, rounds, final_model: finalModel });
  else if (rounds.length > 0) output.note(linesOf(summaryText(rounds, output.colour)));
}

function conclude({ run, ending, finalModel }: ServerOutcome, output: Output): void {
  if (ending === null) {
    output.note(
      `run ${run} is left open; the next start goes on with it, and mila server CONFIG --end ends it for everybody`,
    );
    process.exitCode = EXIT.interrupted;
    return;
  }
  if (ending.code === 'stopped-by-user') {
    output.note(`run ${run} was ended for everybody; mila server CONFIG --resume ${run} opens it again`);
    return;
  }
  if (ending.kind !== 'finished')
    throw new RoundError({
      code: ending.code,
      message: ending.text,
      hint: `mila server CONFIG --resume ${run} goes on with it.`,
    });
  if (!output.json && finalModel !== null) output.result(finalModel);
}

/** `mila server CONFIG`: runs the federation's server. */
export function serverCommand(): Command {
  return withFederationOptions(new Command('server').description("run the federation's server"))
    .option('--resume [run]', 'go on with an interrupted run (default: the newest)', parseRunName)
    .addOption(new Option('--new', 'begin a new run even if one is still open').conflicts(['resume', 'end']))
    .addOption(new Option('--end', 'end the run that is open, for everybody, and leave').conflicts('resume'))
    .option(
      '--metrics-port <port>',
      "serve the server's numbers to Prometheus on this machine",
      wholeNumber(1, 65_535),
    )
    .addHelpText('after', '\nExample:\n  mila server server.json --dir /srv/shared --json')
    .action(async (path: string, flags: ServerFlags) => {
      if (flags.printUnit === true) return printUnit('server', path, flags);
      const { configuration, warnings } = await loadServerConfiguration(path);
      await assertLogFits(flags.logFile);
      const voice = federationVoice(flags, configuration.savePath, 'server.log');
      for (const warning of warnings) voice.output.note(`warning: ${warning}`);
      const key = await keyForOwnMount(configuration, flags, process);
      const outcome = await serve(configuration, { ...flags, key }, voice);
      await tellSummary(outcome, configuration.savePath, voice.output);
      conclude(outcome, voice.output);
    });
}
