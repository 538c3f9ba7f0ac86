import type { Logger as PinoLogger } from 'pino';
import { pino } from 'pino';
import type { LogFields, Logger } from '../logger.ts';
import { printableJson } from '../printable.ts';
import { logLine } from './output.ts';

/** The levels that `--log-level` knows. */
export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const;

export type LogLevel = (typeof LOG_LEVELS)[number];

/** Fields whose values are replaced wherever they stand, should one ever slip in. */
const SECRET_FIELDS = [
  'authorization',
  'access_token',
  'client_secret',
  'clientSecret',
  'privateKey',
  'passphrase',
  'assertion',
];

function adapt(logger: PinoLogger): Logger {
  return {
    trace: (fields, message) => logger.trace(fields, message),
    debug: (fields, message) => logger.debug(fields, message),
    info: (fields, message) => logger.info(fields, message),
    warn: (fields, message) => logger.warn(fields, message),
    error: (fields, message) => logger.error(fields, message),
    child: (fields: LogFields) => adapt(logger.child(fields)),
  };
}

/** A logger that writes JSON lines to `file`, or to standard error. */
export function pinoLogger(level: LogLevel, file?: string): Logger {
  const redact = SECRET_FIELDS.flatMap((field) => [field, `*.${field}`]);
  const options = { level, base: null, redact, timestamp: pino.stdTimeFunctions.isoTime };
  if (file === undefined) return adapt(pino(options, { write: logLine }));
  const sink = pino.destination({ dest: file, append: true, mkdir: true, sync: true });
  // People look at logs on terminals.
  return adapt(pino(options, { write: (line) => void sink.write(printableJson(line)) }));
}
