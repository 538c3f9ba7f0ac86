import { Command, InvalidArgumentError } from 'commander';
import { MilaError, reasonOf, StateError } from '../../errors.ts';
import {
  type EmulatorOptions,
  type RunningEmulator,
  startEmulator,
} from '../../sync/box-emulator/emulator.ts';
import { assertEmulatorKeyFits, writeEmulatorKey } from '../emulator-key-file.ts';
import { EXIT } from '../exit-codes.ts';
import { listenForInterrupt } from '../interrupt.ts';
import { bandwidth, perMinute, wholeNumber } from '../option-values.ts';
import { processOutput } from '../output.ts';
import { stopWithParent } from '../parent-watch.ts';
import { LOG_LEVELS, type LogLevel, pinoLogger } from '../pino-logger.ts';
import { keepYoungGenerationSmall } from '../young-generation.ts';

interface EmulatorFlags {
  readonly port: number;
  readonly edgePort: number;
  readonly host: string;
  readonly data?: string;
  readonly writeConfig?: string;
  readonly latency: number;
  readonly bandwidth: number;
  readonly eventDelay: number;
  readonly rateLimit: number;
  readonly uploadRateLimit: number;
  readonly tokenLifetime: number;
  readonly seed?: number;
  readonly control: boolean;
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly verbose?: boolean;
  readonly logLevel: LogLevel;
}

function logLevel(value: string): LogLevel {
  const known = LOG_LEVELS.find((level) => level === value);
  if (known === undefined) throw new InvalidArgumentError(`expected one of ${LOG_LEVELS.join(', ')}`);
  return known;
}

function optionsFrom(flags: EmulatorFlags): EmulatorOptions {
  return {
    host: flags.host,
    port: flags.port,
    edgePort: flags.edgePort,
    control: flags.control,
    latencyMs: flags.latency,
    bandwidthBytesPerSecond: flags.bandwidth,
    eventDelayMs: flags.eventDelay,
    rateLimitPerMinute: flags.rateLimit,
    uploadRateLimitPerMinute: flags.uploadRateLimit,
    tokenLifetimeS: flags.tokenLifetime,
    logger: pinoLogger(flags.verbose ? 'debug' : flags.logLevel),
    ...(flags.data === undefined ? {} : { dataDir: flags.data }),
    ...(flags.seed === undefined ? {} : { seed: flags.seed }),
  };
}

/** A port that is taken is this machine's state, for every command alike. */
async function started(options: EmulatorOptions): Promise<RunningEmulator> {
  try {
    return await startEmulator(options);
  } catch (error) {
    if (!(error instanceof MilaError) || error.code !== 'listen-failed') throw error;
    throw new StateError({
      code: 'port-taken',
      message: `the emulator cannot listen at ${options.host}, port ${options.port}: ${reasonOf(error.cause)}`,
      hint: 'Choose another --port (0 takes any free one), --edge-port or --host.',
      cause: error,
    });
  }
}

async function run(flags: EmulatorFlags): Promise<void> {
  keepYoungGenerationSmall();
  const output = processOutput(flags);
  if (flags.writeConfig !== undefined) await assertEmulatorKeyFits(flags.writeConfig);
  const interrupt = listenForInterrupt();
  const stop = new AbortController();
  interrupt.signal.addEventListener('abort', () => stop.abort(), { once: true });
  const parent = stopWithParent(stop);
  const running = await started(optionsFrom(flags));
  try {
    if (flags.writeConfig !== undefined) await writeEmulatorKey(flags.writeConfig, running.configuration);
    const { url, enterpriseId, adminUserId, serviceAccountId } = running;
    if (output.json)
      output.document({
        event: 'ready',
        url,
        config: flags.writeConfig ?? null,
        enterprise_id: enterpriseId,
        admin_user_id: adminUserId,
        service_account_id: serviceAccountId,
      });
    else {
      output.result(`ready ${url}`);
      output.note(
        `enterprise ${enterpriseId}, administrator ${adminUserId}, service account ${serviceAccountId}`,
      );
      if (flags.writeConfig !== undefined) output.note(`configuration written to ${flags.writeConfig}`);
    }
    await new Promise<void>((resolve) => {
      if (stop.signal.aborted) resolve();
      stop.signal.addEventListener('abort', () => resolve(), { once: true });
    });
    process.exitCode = EXIT.interrupted;
  } finally {
    parent.dispose();
    await running.close();
    interrupt.dispose();
  }
}

const EXAMPLE = `
Example:
  mila-sync emulator --port 8080 --write-config emulator-key.json
  TOKEN=$(curl -s -X POST http://127.0.0.1:8080/_emulator/users/ID/token | sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/')
  curl -H "Authorization: Bearer $TOKEN" http://127.0.0.1:8080/2.0/users/me`;

/** `mila-sync emulator`: a Box on this machine, until it is stopped. */
export function emulatorCommand(): Command {
  const milliseconds = wholeNumber(0, 3_600_000);
  return new Command('emulator')
    .description('run a Box on this machine that any Box client can use')
    .option('--port <n>', 'port of the API; 0 takes any free one', wholeNumber(0, 65_535), 0)
    .option(
      '--edge-port <n>',
      'port for downloads, session uploads and the long poll; 0 takes any',
      wholeNumber(0, 65_535),
      0,
    )
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--data <dir>', 'keep everything in this directory (default: in memory and a temporary folder)')
    .option(
      '--write-config <file>',
      'write a JWT configuration in the format of Box; only over an earlier one of an emulator',
    )
    .option('--latency <ms>', 'wait before each answer', milliseconds, 0)
    .option(
      '--bandwidth <rate>',
      'bytes a second of each transfer, such as 500K or 10M; 0 is unlimited',
      bandwidth,
      0,
    )
    .option('--event-delay <ms>', 'how long an event takes to appear', milliseconds, 0)
    .option('--rate-limit <n/min>', 'API requests of one user in a minute; 0 is unlimited', perMinute, 1000)
    .option('--upload-rate-limit <n/min>', 'uploads of one user in a minute; 0 is unlimited', perMinute, 240)
    .option('--token-lifetime <s>', 'how long an access token lives', wholeNumber(1, 86_400), 4123)
    .option('--seed <n>', 'make what is random reproducible', wholeNumber(0, 2 ** 32 - 1))
    .option('--no-control', 'switch the address space /_emulator/ off')
    .option('--json', 'print one JSON document when ready')
    .option('--quiet', 'print results only')
    .option('--verbose', 'log more')
    .option('--log-level <level>', LOG_LEVELS.join(', '), logLevel, 'warn')
    .addHelpText('after', EXAMPLE)
    .action(run);
}
