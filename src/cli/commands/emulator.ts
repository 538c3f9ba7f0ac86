import { Command, InvalidArgumentError } from 'commander';
import { writeFileAtomically } from '../../atomic-file.ts';
import { ConfigError, messageOf } from '../../errors.ts';
import {
  type EmulatorOptions,
  type RunningEmulator,
  startEmulator,
} from '../../sync/box-emulator/emulator.ts';
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

async function writeConfiguration(path: string, running: RunningEmulator): Promise<void> {
  try {
    // The key inside is worth nothing but for this emulator; still it is a key.
    await writeFileAtomically(path, `${JSON.stringify(running.configuration, null, 2)}\n`, { mode: 0o600 });
  } catch (cause) {
    const message = `--write-config ${path} cannot be written (${messageOf(cause)})`;
    throw new ConfigError({
      code: 'write-config',
      message,
      hint: 'name a file in an existing folder',
      cause,
    });
  }
}

async function run(flags: EmulatorFlags): Promise<void> {
  keepYoungGenerationSmall();
  const output = processOutput(flags);
  const interrupt = listenForInterrupt();
  const stop = new AbortController();
  interrupt.signal.addEventListener('abort', () => stop.abort(), { once: true });
  const parent = stopWithParent(stop);
  const running = await startEmulator(optionsFrom(flags));
  try {
    if (flags.writeConfig !== undefined) await writeConfiguration(flags.writeConfig, running);
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
  mila-sync emulator --port 8080 --write-config box.json
  TOKEN=$(curl -s -X POST http://127.0.0.1:8080/_emulator/users/ID/token | sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/')
  curl -H "Authorization: Bearer $TOKEN" http://127.0.0.1:8080/2.0/users/me`;

/** `mila-sync emulator`: a Box on this machine, until it is stopped. */
export function emulatorCommand(): Command {
  const milliseconds = wholeNumber(0, 3_600_000);
  return new Command('emulator')
    .description('run a Box on this machine that any Box client can use')
    .option('--port <N>', 'port of the API; 0 takes any free one', wholeNumber(0, 65_535), 0)
    .option(
      '--edge-port <N>',
      'port for downloads, session uploads and the long poll; 0 takes any',
      wholeNumber(0, 65_535),
      0,
    )
    .option('--host <ADDRESS>', 'address to listen on', '127.0.0.1')
    .option('--data <DIR>', 'keep everything in DIR (default: in memory and a temporary folder)')
    .option('--write-config <FILE>', 'write a JWT configuration in the format of Box')
    .option('--latency <MS>', 'wait before each answer', milliseconds, 0)
    .option(
      '--bandwidth <RATE>',
      'bytes a second of each transfer, such as 500K or 10M; 0 is unlimited',
      bandwidth,
      0,
    )
    .option('--event-delay <MS>', 'how long an event takes to appear', milliseconds, 0)
    .option('--rate-limit <N/min>', 'API requests of one user in a minute; 0 is unlimited', perMinute, 1000)
    .option('--upload-rate-limit <N/min>', 'uploads of one user in a minute; 0 is unlimited', perMinute, 240)
    .option('--token-lifetime <S>', 'how long an access token lives', wholeNumber(1, 86_400), 4123)
    .option('--seed <N>', 'make what is random reproducible', wholeNumber(0, 2 ** 32 - 1))
    .option('--no-control', 'switch the address space /_emulator/ off')
    .option('--json', 'print one JSON document when ready')
    .option('--quiet', 'print results only')
    .option('--verbose', 'log more')
    .option('--log-level <LEVEL>', LOG_LEVELS.join(', '), logLevel, 'warn')
    .addHelpText('after', EXAMPLE)
    .action(run);
}
