import { createInterface } from 'node:readline/promises';
import { Command, InvalidArgumentError } from 'commander';
import { systemClock } from '../../clock.ts';
import { ConfigError } from '../../errors.ts';
import { timeText } from '../../fl/report/quantities.ts';
import { printable } from '../../printable.ts';
import type { FolderChange } from '../../sync/recording/recorded-folder.ts';
import {
  type ContentSource,
  readRecording,
  recordedContents,
} from '../../sync/recording/recording-reader.ts';
import { type ReplayOptions, type ReplayTarget, replay } from '../../sync/recording/replay.ts';
import { DirectoryTarget } from '../../sync/recording/replay-directory.ts';
import { EmulatorTarget } from '../../sync/recording/replay-emulator.ts';
import { EXIT } from '../exit-codes.ts';
import { listenForInterrupt } from '../interrupt.ts';
import { type Output, processOutput } from '../output.ts';

interface ReplayFlags {
  readonly dir?: string;
  readonly into?: string;
  readonly speed: number | 'max';
  readonly step?: boolean;
  readonly until?: NonNullable<ReplayOptions['until']>;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

const SPEED_MAX = 1_000_000;

function speed(value: string): number | 'max' {
  if (value === 'max') return 'max';
  const factor = Number(value);
  if (factor > 0 && factor <= SPEED_MAX) return factor;
  throw new InvalidArgumentError(`Allowed: max, or a number above 0 and up to ${SPEED_MAX}.`);
}

function until(value: string): NonNullable<ReplayOptions['until']> {
  const relative = /^\+(\d{1,9}(?:\.\d{1,3})?)$/.exec(value);
  if (relative !== null) return { afterMs: Number(relative[1]) * 1000 };
  const atMs = /^\d{4}-\d{2}-\d{2}T/.test(value) ? Date.parse(value) : Number.NaN;
  if (Number.isFinite(atMs)) return { atMs };
  throw new InvalidArgumentError('Allowed: an ISO 8601 time, or seconds from the beginning such as +90.');
}

function tell(change: FolderChange, output: Output): void {
  const { kind, atMs, by, content } = change;
  const path = change.names.join('/');
  const at = new Date(atMs).toISOString();
  if (output.json)
    output.document({ event: kind, at, path, by: by?.name ?? null, size_bytes: content?.sizeBytes ?? null });
  else
    output.note(
      `${timeText(atMs)}  ${kind.padEnd(7)}  ${printable(path)}${by === null ? '' : `  by ${printable(by.name)}`}`,
    );
}

/** Asks before each change; an end of the input ends the replay. */
function stepper(output: Output, signal: AbortSignal) {
  const lines = createInterface({ input: process.stdin, terminal: false });
  const answers = lines[Symbol.asyncIterator]();
  signal.addEventListener('abort', () => lines.close(), { once: true });
  return {
    async step(change: FolderChange): Promise<boolean> {
      output.note(`next: ${change.kind} ${printable(change.names.join('/'))} (Enter: go on, q: end)`);
      const { done, value } = await answers.next();
      return done !== true && value.trim().toLowerCase() !== 'q';
    },
    close: () => lines.close(),
  };
}

/** Where the flags say to play to. Errors: ConfigError unless they name exactly one place. */
function targetOf(
  { dir, into }: ReplayFlags,
  contents: ContentSource,
): { target: ReplayTarget; where: string } {
  if (dir !== undefined && into === undefined)
    return { target: new DirectoryTarget({ directory: dir, contents }), where: dir };
  if (into === undefined || dir !== undefined)
    throw new ConfigError({
      code: 'replay-target',
      message: `replay needs one of --dir and --into, and got ${dir === undefined ? 'neither' : 'both'}`,
    });
  if (!URL.canParse(into) || !/^https?:$/.test(new URL(into).protocol))
    throw new ConfigError({
      code: 'replay-target',
      message: `--into ${into} is no address; allowed: http://127.0.0.1:8080`,
    });
  return { target: new EmulatorTarget({ url: into, contents }), where: into };
}

async function play(recording: string, flags: ReplayFlags): Promise<void> {
  const output = processOutput(flags);
  const { target, where } = targetOf(flags, recordedContents(recording));
  const interrupt = listenForInterrupt();
  const steps = flags.step ? stepper(output, interrupt.signal) : null;
  try {
    const summary = await replay({
      lines: readRecording(recording),
      target,
      clock: systemClock(),
      signal: interrupt.signal,
      speed: flags.step ? 'max' : flags.speed,
      until: flags.until ?? null,
      onChange: (change) => tell(change, output),
      ...(steps === null ? {} : { step: (change) => steps.step(change) }),
    });
    const { changes, unknownContents } = summary;
    if (output.json) output.document({ event: 'end', changes, unknown_contents: unknownContents });
    else output.result(`${changes} changes played into ${where}`);
    if (unknownContents > 0)
      output.note(
        `${unknownContents} files have the right length and no content: the recording holds their hash only`,
      );
  } finally {
    steps?.close();
    interrupt.dispose();
  }
  if (interrupt.interrupted()) process.exitCode = EXIT.interrupted;
}

/** `mila-sync replay RECORDING`. */
export function replayCommand(): Command {
  return new Command('replay')
    .description('play a recorded session again: the shared folder as the recording mount came to know it')
    .argument('<recording>', 'a file that mount --record wrote, with its .contents folder beside it')
    .option('--dir <dir>', 'play into a new or empty directory, which stands where the mount directory would')
    .option('--into <url>', 'play into a Box emulator at this address')
    .option('--speed <n>', 'recorded seconds a second, or max', speed, 'max' as const)
    .option('--step', 'ask before each change')
    .option('--until <time>', 'an ISO 8601 time, or +SECONDS from the beginning', until)
    .option('--json', 'changes as JSON, one a line, on standard output')
    .option('--quiet', 'no notes on standard error')
    .addHelpText('after', '\nExample:\n  mila-sync replay session.jsonl.gz --dir /tmp/again --speed 60')
    .action(play);
}
