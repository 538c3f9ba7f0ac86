import { join } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { systemClock } from '../clock.ts';
import type { FederationEvent } from '../fl/round/event.ts';
import type { Logger } from '../logger.ts';
import type { BoxKey } from './box-key.ts';
import { describeEvent } from './federation-text.ts';
import { Notices } from './notices.ts';
import type { Output } from './output.ts';
import { processOutput } from './output.ts';
import { assertOwnOrNew, headOf } from './own-file.ts';
import type { LogLevel } from './pino-logger.ts';
import { LOG_LEVELS, pinoLogger } from './pino-logger.ts';
import { StandingLine } from './standing-line.ts';

/** How much of a log tells that it is one. Units: bytes. */
const LOG_HEAD_BYTES = 256;

/** What `mila server` and `mila client` have in common on the command line. */
export interface FederationFlags {
  readonly dir?: string;
  readonly mount?: boolean;
  /** Not of the command line: the key of Box that a mount of one's own needs. */
  readonly key?: BoxKey | undefined;
  readonly printUnit?: boolean;
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly verbose?: boolean;
  readonly color?: boolean;
  readonly logLevel?: LogLevel;
  readonly logFile?: string;
}

/** Add the common options to a command. */
export function withFederationOptions(command: Command): Command {
  return command
    .argument('<config>', 'configuration file, JSON or YAML')
    .option('--dir <dir>', 'work in a plain shared folder instead of a mount')
    .option('--mount', "start a mount of one's own and stop it at the end")
    .option('--print-unit', 'print a systemd user unit for this command line, and exit')
    .option('--json', 'one JSON object per event on standard output')
    .option('--quiet', 'no progress on standard error')
    .option('--verbose', 'log more (the same as --log-level debug)')
    .option('--no-color', 'no colours')
    .addOption(new Option('--log-level <level>', 'how much to log').choices(LOG_LEVELS))
    .option('--log-file <file>', 'where to log (default: below save_path); goes on with an earlier log only');
}

/** Refuse what would make a run's name a path. */
export function parseRunName(value: string): string {
  if (!/^[\w-]{1,64}$/.test(value)) throw new InvalidArgumentError('a run is named by its folder alone.');
  return value;
}

interface Voice {
  readonly output: Output;
  readonly logger: Logger;
  /** Where that logger writes. */
  readonly log: string;
  /** Tell what a person should know while the run goes on. */
  readonly notify: Notices['tell'];
  /** Tell an event: to a program as JSON, to a person as a line. */
  readonly tell: (event: FederationEvent) => void;
  /** Nothing more is told. Idempotent. */
  close(): void;
}

/** Events that only say how far something has come. */
const PROGRESS: ReadonlySet<FederationEvent['event']> = new Set(['training', 'uploading', 'aggregating']);

/** Which events a person wants to hear of; the log has them always. */
function createInterest(isVerbose: boolean): (event: FederationEvent) => boolean {
  let knowsOutput = false;
  return (event) => {
    // What ends the program without success is its error.
    if (event.event === 'ended' && !event.success && event.final_model === null) return false;
    if (event.event !== 'training-output' || isVerbose) return true;
    // The next rounds' outputs stand beside the first one's.
    const isNew = !knowsOutput;
    knowsOutput = true;
    return isNew;
  };
}

/** Errors: StateError 'foreign-file': lines are appended, and a long file is moved aside. */
export async function assertLogFits(path: string | undefined): Promise<void> {
  if (path === undefined) return;
  const isOwn = async () => /^\{"level":\d+,"time":/.test(await headOf(path, LOG_HEAD_BYTES));
  await assertOwnOrNew({ named: `--log-file ${path}`, path, what: 'a log of these programs', isOwn });
}

/** Where this command's words go. Guarantees: with `--json`, standard output holds nothing but events. */
export function federationVoice(flags: FederationFlags, savePath: string, logName: string): Voice {
  const output = processOutput({
    json: flags.json ?? false,
    quiet: flags.quiet ?? false,
    noColour: flags.color === false,
    timed: true,
  });
  const level = flags.logLevel ?? (flags.verbose === true ? 'debug' : 'info');
  const log = flags.logFile ?? join(savePath, logName);
  const notices = new Notices(output);
  const logger = pinoLogger(level, log, notices.tell);
  notices.logTo(logger);
  const isWanted = createInterest(flags.verbose === true);
  // Who reads events needs no reminder of them.
  const standing = output.json ? undefined : new StandingLine({ output, clock: systemClock() });
  let lastLine = '';
  const tell = (event: FederationEvent): void => {
    logger.info({ ...event }, 'federation event');
    if (output.json) output.document(event);
    const isProgress = PROGRESS.has(event.event);
    const line = describeEvent(event, Date.now());
    if (line === lastLine) return;
    lastLine = line;
    if (event.event === 'waiting' && standing !== undefined) {
      standing.awaits(event, line);
      return;
    }
    standing?.told(event, line, !isProgress);
    // On a pipe, progress would be noise: its beginning and its end are told anyway.
    if (isProgress) output.passing?.(line);
    else if (isWanted(event) && (!output.json || output.interactive)) output.note(line);
  };
  return { output, logger, log, notify: notices.tell, tell, close: () => standing?.close() };
}
