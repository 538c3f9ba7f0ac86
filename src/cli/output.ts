import { MilaError, messageOf } from '../errors.ts';
import { jsonLine, printableJson, printableLines } from '../printable.ts';
import { systemWords } from '../system-words.ts';
import { terminalLine } from '../terminal-text.ts';
import { EXIT, exitCodeOf } from './exit-codes.ts';
import { TimeStamps, timeOfDay } from './time-stamps.ts';
import { columnsWatched, shown, type Words, written } from './written-words.ts';

/**
 * Where a command's words go: results to standard output, everything else to standard error.
 *
 * Guarantees: whatever stands in the words, nothing steers the terminal but our own colours, and no line of a foreign
 * text passes for one of this program's.
 */
export interface Output {
  /** True when results are JSON for a program. */
  readonly json: boolean;
  /** True when a person watches standard error on a terminal. */
  readonly interactive: boolean;
  /** Whether colours may be used on standard error. */
  readonly colour: boolean;
  /** A result. */
  result(words: Words): void;
  /** A result in the place of the one before, where a person watches. */
  redrawn(words: Words): void;
  /** A result or an event as one JSON document on one line. An event tells its time. */
  document(value: unknown): void;
  /** A word to the person, never mixed with results. */
  note(words: Words): void;
  /** A word that the next one replaces; only on a terminal. */
  passing?(text: string): void;
}

/** Back to the beginning of the line, and empty it. */
const CLEAR_LINE = '\r\u001B[2K';
/** To the first line, and empty the screen from there. */
const CLEAR_SCREEN = '\u001B[H\u001B[J';

interface OutputOptions {
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly noColour?: boolean;
  /** True for a program that runs long: each word to the person begins with its time. Default false. */
  readonly timed?: boolean;
}

/**
 * The lines of a text that was made of lines.
 *
 * Guarantees: none by itself: whoever made the text has put every foreign word in it through `printable` or a table.
 */
export const linesOf = (text: string): readonly string[] => text.split('\n');

/** Whether the last line of the terminal is one that whatever is said next takes back. */
let isPassing = false;
/** Whether the end of this process takes it back, too: a shell's prompt comes next. */
let isTakenBackAtEnd = false;

function clearPassing(): void {
  if (isPassing) process.stderr.write(CLEAR_LINE);
  isPassing = false;
}

/** An event with the time at which it is told. */
function timed(value: unknown): unknown {
  if (!isEvent(value)) return value;
  const { event, ...rest } = value;
  return { event, time: new Date().toISOString(), ...rest };
}

/** The output of this process. Guarantees: `--quiet` silences notes, never results. */
export function processOutput(options: OutputOptions = {}): Output {
  const interactive = process.stderr.isTTY === true;
  const stamps = options.timed === true ? new TimeStamps() : undefined;
  const result = (words: Words) => {
    clearPassing();
    process.stdout.write(shown(words));
  };
  return {
    json: options.json ?? false,
    interactive,
    colour: interactive && !options.noColour && !process.env['NO_COLOR'],
    result,
    redrawn: (words) => {
      if (process.stdout.isTTY === true) process.stdout.write(CLEAR_SCREEN);
      result(words);
    },
    document: (value) => {
      clearPassing();
      isAnswered ||= !isEvent(value);
      process.stdout.write(`${jsonLine(timed(value))}\n`);
    },
    note: (words) => {
      clearPassing();
      if (options.quiet) return;
      process.stderr.write(written(words, typeof words === 'string', stamps));
      stampsInUse = stamps;
    },
    passing: (text) => {
      if (!interactive || options.quiet) return;
      clearPassing();
      const line = terminalLine(stamps === undefined ? text : `${timeOfDay(Date.now())} ${text}`);
      // A line that wraps could not be taken back; a terminal writes its ^C behind it.
      process.stderr.write(line.slice(0, Math.max(20, (columnsWatched() ?? Infinity) - 3)));
      isPassing = true;
      if (!isTakenBackAtEnd) process.once('exit', clearPassing);
      isTakenBackAtEnd = true;
    },
  };
}

/** Pass on what another program of ours, or the reader of the command line, has to say: its lines stay lines. */
export function relay(stream: 'out' | 'err', text: string): void {
  clearPassing();
  (stream === 'out' ? process.stdout : process.stderr).write(printableLines(text));
}

/** What a program says on its way out, where no command's output is at hand. */
export function lastWords(lines: readonly string[]): void {
  clearPassing();
  process.stderr.write(written(lines, true, stampsInUse));
}

/** Where a logger's lines of JSON go that belong into no file. */
export function logLine(line: string): void {
  process.stderr.write(printableJson(line));
}

/** Both ways out, for who wants to know that nobody reads any more. */
export const outputStreams = (): readonly [results: NodeJS.WriteStream, words: NodeJS.WriteStream] => [
  process.stdout,
  process.stderr,
];

/** Where bars and questions are drawn. Whoever draws puts every word that is not ours through `terminalLine`. */
export const barStream = (): NodeJS.WritableStream => process.stderr;

/** An error as a person reads it: one line, and a hint where there is one. */
export function describeError(error: unknown): readonly string[] {
  const hint = hintOf(error);
  return hint === undefined ? [`error: ${messageOf(error)}`] : [`error: ${messageOf(error)}`, `  ${hint}`];
}

/** What a person can do about an error, where somebody knows. */
function hintOf(error: unknown): string | undefined {
  return error instanceof MilaError ? error.hint : systemWords(error)?.hint;
}

/** An error as a program reads it, beside what a person reads on standard error. */
export function errorDocument(error: unknown): unknown {
  const code = error instanceof MilaError ? error.code : systemWords(error) ? 'system' : 'fault';
  return { error: { code, message: messageOf(error), hint: hintOf(error) ?? null } };
}

/** True once this process has printed its one JSON document, which tells what was found: a second would spoil it. */
let isAnswered = false;

/** The times of the command that has said something, so that its last words have one as well. */
let stampsInUse: TimeStamps | undefined;

/** A command line begins: nothing of it is answered yet, and no passing line of another one stands. */
export function beginAnswer(): void {
  clearPassing();
  isAnswered = false;
  stampsInUse = undefined;
}

function isEvent(value: unknown): value is { readonly event: unknown } {
  return typeof value === 'object' && value !== null && 'event' in value;
}

/** With `json`, tell an error on standard output, unless a document stands there. */
export function tellError(error: unknown, json: boolean): void {
  if (!json || isAnswered) return;
  clearPassing();
  process.stdout.write(`${jsonLine(errorDocument(error))}\n`);
}

/** Whether a command line asks for JSON: known also where its command never came to run. */
export function wantsJson(argv: readonly string[]): boolean {
  const end = argv.indexOf('--');
  return (end === -1 ? argv : argv.slice(0, end)).includes('--json');
}

/**
 * Print what went wrong and choose the process's exit code. A fault of our own also prints its stack.
 *
 * Guarantees: with `json`, standard output ends with `{"error":{"code","message","hint"}}` on a line of its own, unless
 * it holds the command's one document.
 */
export function failWith(error: unknown, json = false): void {
  const code = exitCodeOf(error);
  tellError(error, json);
  const stack = code === EXIT.fault && error instanceof Error ? [error.stack ?? ''] : [];
  lastWords([...describeError(error), ...stack]);
  process.exitCode = code;
}
