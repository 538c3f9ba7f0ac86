import { MilaError, messageOf } from '../errors.ts';
import { EXIT, exitCodeOf } from './exit-codes.ts';

/** Where a command's words go: results to standard output, everything else to standard error. */
export interface Output {
  /** True when results are JSON for a program. */
  readonly json: boolean;
  /** True when a person watches standard error on a terminal. */
  readonly interactive: boolean;
  /** Whether colours may be used on standard error. */
  readonly colour: boolean;
  /** A result: text as it is. */
  result(text: string): void;
  /** A result or an event as one JSON document on one line. */
  document(value: unknown): void;
  /** A word to the person, never mixed with results. */
  note(text: string): void;
  /** A word that the next one replaces; only on a terminal. */
  passing?(text: string): void;
}

/** Back to the beginning of the line, and empty it. */
const CLEAR_LINE = '\r\u001B[2K';

interface OutputOptions {
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly noColour?: boolean;
}

/** The output of this process. Guarantees: `--quiet` silences notes, never results. */
export function processOutput(options: OutputOptions = {}): Output {
  const interactive = process.stderr.isTTY === true;
  let isPassing = false;
  const clear = () => {
    if (isPassing) process.stderr.write(CLEAR_LINE);
    isPassing = false;
  };
  return {
    json: options.json ?? false,
    interactive,
    colour: interactive && !options.noColour && !process.env['NO_COLOR'],
    result: (text) => void process.stdout.write(`${text}\n`),
    document: (value) => void process.stdout.write(`${JSON.stringify(value)}\n`),
    note: (text) => {
      clear();
      if (!options.quiet) process.stderr.write(`${text}\n`);
    },
    passing: (text) => {
      if (!interactive || options.quiet) return;
      clear();
      // A line that wraps could not be taken back.
      process.stderr.write(text.slice(0, Math.max(20, (process.stderr.columns ?? 80) - 1)));
      isPassing = true;
    },
  };
}

/** An error as a person reads it: one line, and a hint where there is one. */
export function describeError(error: unknown): string {
  if (!(error instanceof MilaError)) return `error: ${messageOf(error)}`;
  return error.hint === undefined ? `error: ${error.message}` : `error: ${error.message}\n  ${error.hint}`;
}

/** Print what went wrong and choose the process's exit code. A fault of our own also prints its stack. */
export function failWith(error: unknown): void {
  const code = exitCodeOf(error);
  const stack = code === EXIT.fault && error instanceof Error ? `\n${error.stack ?? ''}` : '';
  process.stderr.write(`${describeError(error)}${stack}\n`);
  process.exitCode = code;
}
