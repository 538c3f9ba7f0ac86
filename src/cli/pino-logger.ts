import type { Logger as PinoLogger } from 'pino';
import { pino } from 'pino';
import { systemClock } from '../clock.ts';
import type { LogFields, Logger } from '../logger.ts';
import { printableJson } from '../printable.ts';
import { logLine } from './output.ts';
import { logTrouble, RotatingLog } from './rotating-log.ts';

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

/** Hears what a person should know, by a key of its own; undefined: that is over. */
type OnNotice = (key: string, text: string | undefined) => void;

/**
 * A logger that writes JSON lines to `file`, which is kept from growing without end, or to standard error.
 *
 * Guarantees: logging never throws and never ends the process; a file that cannot be written is told to `onNotice`.
 */
export function pinoLogger(level: LogLevel, file?: string, onNotice?: OnNotice): Logger {
  const redact = SECRET_FIELDS.flatMap((field) => [field, `*.${field}`]);
  const options = { level, base: null, redact, timestamp: pino.stdTimeFunctions.isoTime };
  return adapt(pino(options, file === undefined ? standardError : destination(file, onNotice)));
}

/** As everything else that the program says; a closed one is no error there. */
const standardError = { write: logLine };

function destination(path: string, onNotice: OnNotice | undefined) {
  const log = new RotatingLog({
    path,
    clock: systemClock(),
    onTrouble: (error) => onNotice?.('log', error === undefined ? undefined : logTrouble(path, error)),
  });
  // People look at logs on terminals.
  return { write: (line: string) => log.write(printableJson(line)) };
}
