import { spawn } from 'node:child_process';
import { type FileHandle, open, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Clock, Timer } from '../../clock.ts';
import { ConfigError, errnoOf, RoundError, reasonOf } from '../../errors.ts';
import { quotedLastWords } from '../../last-words.ts';
import { watchOutput } from './output-lines.ts';

/** How much of a program's last output an error carries. */
const LAST_WORDS_BYTES = 4_096;
const LAST_WORDS_LINES = 20;

/** With less room than this, a log may have lost its end. Units: bytes. */
const LOG_ROOM_BYTES = 65_536;

async function freeBytesAt(path: string): Promise<number> {
  const { bavail, bsize } = await statfs(path);
  return bavail * bsize;
}

/** One run of another program. */
export interface ProgramRun {
  /** The program and its arguments; no shell is between. */
  readonly command: readonly [string, ...string[]];
  readonly workingDirectory: string | null;
  readonly environment: NodeJS.ProcessEnv;
  /** Standard output and error go to the end of this file. */
  readonly logPath: string;
  readonly timeLimitMs: number | null;
  readonly stopTimeoutMs: number;
  readonly signal: AbortSignal;
  readonly clock: Clock;
  /** How much room a disk has. Default: as the system tells. */
  readonly freeBytes?: (path: string) => Promise<number>;
  /** Told the lines that the program writes, some of them when there are many. */
  readonly onLines?: (lines: readonly string[]) => void;
  /** Told the program's process id once it runs. */
  readonly onStart?: (pid: number) => void;
}

type Ending =
  | { readonly kind: 'exit'; readonly code: number | null; readonly signal: NodeJS.Signals | null }
  | { readonly kind: 'never-started'; readonly error: Error };

/** Signal a whole process group: programs that train start workers of their own. */
function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    // The group is gone already, which is what was wanted; macOS says EPERM of a group that only waits to be reaped.
    if (!['ESRCH', 'EPERM'].includes(errnoOf(error) ?? '')) throw error;
  }
}

async function lastWords(log: FileHandle, start: number): Promise<string> {
  const { size } = await log.stat();
  const length = Math.min(LAST_WORDS_BYTES, Math.max(0, size - start));
  const buffer = Buffer.alloc(length);
  await log.read(buffer, 0, length, size - length);
  return buffer.toString('utf8').trimEnd().split('\n').slice(-LAST_WORDS_LINES).join('\n');
}

function waitFor(run: ProgramRun, log: FileHandle, onTimeLimit: () => void): Promise<Ending> {
  const { command, clock, signal } = run;
  return new Promise((resolve) => {
    const [program, ...args] = command;
    const child = spawn(program, args, {
      ...(run.workingDirectory === null ? {} : { cwd: run.workingDirectory }),
      env: run.environment,
      stdio: ['ignore', log.fd, log.fd],
      // A group of its own, so that its workers can be stopped with it.
      detached: true,
    });
    if (child.pid !== undefined) run.onStart?.(child.pid);
    const timers: Timer[] = [];
    const stop = () => {
      const { pid } = child;
      if (pid === undefined) return;
      signalGroup(pid, 'SIGTERM');
      timers.push(clock.after(run.stopTimeoutMs, () => signalGroup(pid, 'SIGKILL')));
    };
    const finish = (ending: Ending) => {
      signal.removeEventListener('abort', stop);
      for (const timer of timers) timer.cancel();
      // Workers that outlived their leader would go on computing for nobody.
      if (ending.kind === 'exit' && child.pid !== undefined) signalGroup(child.pid, 'SIGKILL');
      resolve(ending);
    };
    child.once('error', (error) => {
      if (child.pid === undefined) finish({ kind: 'never-started', error });
    });
    child.once('exit', (code, by) => finish({ kind: 'exit', code, signal: by }));
    signal.addEventListener('abort', stop, { once: true });
    if (run.timeLimitMs !== null)
      timers.push(
        clock.after(run.timeLimitMs, () => {
          onTimeLimit();
          stop();
        }),
      );
  });
}

/**
 * Run a program to its end, and return its last words.
 *
 * Guarantees: on abort or past the time limit it gets SIGTERM, then SIGKILL; nothing of its process group is left.
 * Errors: ConfigError 'command-not-found' when it does not start; RoundError 'training-failed' with its last words
 * when it fails; RoundError 'training-stopped' when it was aborted.
 */
export async function runProgram(run: ProgramRun): Promise<string> {
  const { command, logPath, signal, timeLimitMs } = run;
  const stopped = () => new RoundError({ code: 'training-stopped', message: `${command[0]} was stopped` });
  if (signal.aborted) throw stopped();
  const log = await open(logPath, 'a+');
  try {
    const { size: start } = await log.stat();
    // Nothing tells of an abort that came while the file was opened; from here on, the listener does.
    if (signal.aborted) throw stopped();
    let late = false;
    const { clock, onLines } = run;
    const watch = onLines === undefined ? undefined : watchOutput(log, { clock, from: start, onLines });
    const ending = await waitFor(run, log, () => {
      late = true;
    });
    await watch?.stop();
    if (ending.kind === 'never-started')
      throw new ConfigError({
        code: 'command-not-found',
        message: `cannot start "${command[0]}": ${reasonOf(ending.error)}`,
        hint: 'Name the program in "executor_options": {"command": ["/path/to/program", ...]}, or put it on the PATH.',
        cause: ending.error,
        data: { program: command[0] },
      });
    if (ending.code === 0 && !late) return await lastWords(log, start);
    if (signal.aborted) throw stopped();
    const words = await lastWords(log, start);
    const room = await (run.freeBytes ?? freeBytesAt)(dirname(logPath)).catch(() => Number.POSITIVE_INFINITY);
    const full =
      room < LOG_ROOM_BYTES ? `; the disk of its log ${logPath} is full, so its last words may be lost` : '';
    const how = late
      ? `did not end within ${(timeLimitMs ?? 0) / 1000} s`
      : `ended with ${ending.signal ?? `exit code ${ending.code}`}`;
    throw new RoundError({
      code: 'training-failed',
      message: `${command[0]} ${how}${full}${quotedLastWords(words)}`,
      hint: `All of its output is in ${logPath}.`,
      data: { exitCode: ending.code, signal: ending.signal, lastWords: words, logPath },
    });
  } finally {
    await log.close();
  }
}
