import { type ChildProcess, spawn } from 'node:child_process';
import { extname } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import type { Clock } from '../clock.ts';
import {
  AuthError,
  ConfigError,
  errnoOf,
  MilaError,
  RoundError,
  StateError,
  TransientError,
} from '../errors.ts';
import { EXIT } from './exit-codes.ts';
import { EXIT_WITH_PARENT } from './parent-watch.ts';

/** How much of what a child said is kept for the case that it fails. Units: characters. */
const LAST_WORDS_MAX = 4_096;
/** How long a child may take to stop in order. */
const STOP_TIMEOUT_MS = 15_000;

const eventSchema = z.looseObject({ event: z.string() });
const errorSchema = z.object({
  error: z.object({ code: z.string(), message: z.string(), hint: z.string().nullable() }),
});

/** One JSON line of a child. */
export type ChildEvent = z.infer<typeof eventSchema>;

/** How a child ended. */
export interface ChildExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

interface ChildOptions {
  /** For people: "server", "mount of tester1". */
  readonly name: string;
  readonly program: 'mila' | 'mila-sync';
  readonly args: readonly string[];
  readonly directory: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly clock: Clock;
  readonly onEvent?: (event: ChildEvent) => void;
  /** What the child reads from its standard input, which stays open behind it. */
  readonly input?: string | undefined;
}

/** The program's file beside this one, built or in source. */
function scriptOf(program: 'mila' | 'mila-sync'): string {
  const ending = extname(fileURLToPath(import.meta.url));
  return fileURLToPath(new URL(`./${program}${ending}`, import.meta.url));
}

/** The error class whose exit code a child ended with, so that the parent ends with the same. */
function errorClassFor(code: number | null): typeof MilaError {
  switch (code) {
    case EXIT.usage:
      return ConfigError;
    case EXIT.permission:
      return AuthError;
    case EXIT.state:
      return StateError;
    case EXIT.unreachable:
      return TransientError;
    case EXIT.unsuccessful:
      return RoundError;
    default:
      return MilaError;
  }
}

/** A line of JSON; undefined for any other line. */
function documentOf(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

/**
 * One of our own programs as a process of its own, read by its JSON lines.
 *
 * Guarantees: it leaves when this process is gone, however this process ended; signals of the terminal reach it
 * through `stop` only, so that everything stops in order.
 */
export class ChildProgram {
  readonly name: string;
  readonly exited: Promise<ChildExit>;
  readonly #process: ChildProcess;
  readonly #clock: Clock;
  readonly #seen: ChildEvent[] = [];
  readonly #onEvent: (event: ChildEvent) => void;
  readonly #waiting = new Set<(event: ChildEvent) => void>();
  #words = '';
  #told: z.infer<typeof errorSchema>['error'] | undefined;
  #stopping = false;
  #ended = false;

  constructor(options: ChildOptions) {
    const { name, program, args, directory, environment, clock, onEvent, input } = options;
    this.name = name;
    this.#clock = clock;
    this.#onEvent = onEvent ?? (() => {});
    this.#process = spawn(process.execPath, [...process.execArgv, scriptOf(program), ...args], {
      cwd: directory,
      env: { ...environment, [EXIT_WITH_PARENT]: '1' },
      stdio: ['pipe', 'pipe', 'pipe'],
      // A group of its own: Ctrl-C must not reach it beside our own orderly stop.
      detached: true,
    });
    // A child that is gone closes the pipe, which is no news.
    this.#process.stdin?.on('error', () => {});
    if (input !== undefined) this.#process.stdin?.write(input);
    this.#process.stderr?.setEncoding('utf8').on('data', (text: string) => this.#remember(text));
    if (this.#process.stdout !== null)
      createInterface({ input: this.#process.stdout }).on('line', (line) => this.#read(line));
    this.exited = new Promise((resolve) => {
      const finish = (code: number | null, signal: NodeJS.Signals | null) => {
        this.#ended = true;
        resolve({ code, signal });
      };
      // 'close' and not 'exit': by then its last words were read.
      this.#process.once('close', finish);
      this.#process.once('error', (error) => {
        this.#remember(`${error.message}\n`);
        if (this.#process.pid === undefined) finish(null, null);
      });
    });
  }

  /** Its process id; undefined when it could not be started. */
  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** True once it was told to stop: its end is then expected. */
  get stopping(): boolean {
    return this.#stopping;
  }

  /**
   * The first event of a kind, now or later. Without `timeoutMs`, for as long as it takes.
   *
   * Errors: as `failure` when it ends before, or TransientError 'slow'.
   */
  async waitFor(kind: string, timeoutMs?: number): Promise<ChildEvent> {
    const known = this.#seen.find(({ event }) => event === kind);
    if (known !== undefined) return known;
    return new Promise((resolve, reject) => {
      const finish = () => {
        this.#waiting.delete(look);
        timer?.cancel();
      };
      const look = (event: ChildEvent) => {
        if (event.event !== kind) return;
        finish();
        resolve(event);
      };
      const giveUp = (waitedMs: number) => {
        finish();
        reject(
          new TransientError({
            code: 'slow',
            message: `the ${this.name} said nothing of "${kind}" within ${waitedMs / 1000} s`,
            ...this.#hint(),
          }),
        );
      };
      const timer =
        timeoutMs === undefined ? undefined : this.#clock.after(timeoutMs, () => giveUp(timeoutMs));
      this.#waiting.add(look);
      void this.exited.then((exit) => {
        finish();
        reject(this.failure(exit));
      });
    });
  }

  /** What its unexpected end means. */
  failure({ code, signal }: ChildExit): MilaError {
    const how = signal === null ? `exit code ${code ?? 'unknown'}` : signal;
    // Somebody ended it from outside, which is no fault of the program.
    const Class = signal === null ? errorClassFor(code) : RoundError;
    return new Class({
      code: 'child-ended',
      message: `the ${this.name} ended with ${how}`,
      ...this.#hint(),
      data: { name: this.name, code, signal },
    });
  }

  /** What it told of its end itself, as an error of its own class; without that, what its end means. */
  ownError(exit: ChildExit): MilaError {
    if (this.#told === undefined) return this.failure(exit);
    const { code, message, hint } = this.#told;
    return new (errorClassFor(exit.code))({ code, message, ...(hint === null ? {} : { hint }) });
  }

  /** Ask it to stop, and end it when it does not. */
  async stop(): Promise<void> {
    this.#stopping = true;
    if (this.#ended) return;
    this.#signal('SIGTERM');
    const timer = this.#clock.after(STOP_TIMEOUT_MS, () => this.#signal('SIGKILL'));
    await this.exited;
    timer.cancel();
  }

  #signal(signal: NodeJS.Signals): void {
    try {
      this.#process.kill(signal);
    } catch (error) {
      if (errnoOf(error) !== 'ESRCH') throw error;
    }
  }

  #hint(): { hint?: string } {
    const words = this.#words.trim();
    return words === '' ? {} : { hint: `Its last words:\n${words}` };
  }

  #remember(text: string): void {
    this.#words = (this.#words + text).slice(-LAST_WORDS_MAX);
  }

  #read(line: string): void {
    const document = documentOf(line);
    const { data: event } = eventSchema.safeParse(document);
    if (event === undefined) {
      // What ends a program is told on standard error too, in words.
      this.#told = errorSchema.safeParse(document).data?.error ?? this.#told;
      if (!line.startsWith('{"error":')) this.#remember(`${line}\n`);
      return;
    }
    // Only the first of a kind is ever waited for, which bounds what is kept.
    if (!this.#seen.some(({ event: kind }) => kind === event.event)) this.#seen.push(event);
    for (const look of [...this.#waiting]) look(event);
    this.#onEvent(event);
  }
}
