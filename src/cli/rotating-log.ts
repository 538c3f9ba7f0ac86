import {
  closeSync,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname, extname } from 'node:path';
import type { Clock } from '../clock.ts';
import { errnoOf, reasonOf } from '../errors.ts';

/** A log file of this length becomes an old one. Units: bytes. */
export const LOG_MAX_BYTES = 8 * 1024 * 1024;
/** So many old ones are kept. */
export const OLD_LOGS_MAX = 3;

interface RotatingLogOptions {
  readonly path: string;
  readonly clock: Clock;
  readonly maxBytes?: number;
  /** Called when lines begin to be dropped, and with undefined when the file is written again. */
  readonly onTrouble?: (error: unknown) => void;
}

/** Where an old log stands: `log.jsonl` becomes `log.1.jsonl`, then `log.2.jsonl`. */
export function oldLogPath(path: string, age: number): string {
  const ending = extname(path);
  return `${path.slice(0, path.length - ending.length)}.${age}${ending}`;
}

/**
 * A log file of bounded size, written line by line.
 *
 * Guarantees: a write never throws: while the disk is full or may not be written, lines are dropped, and the first
 * line afterwards says how many; a line stands whole or is followed by a new one on its own line; a file that was
 * removed is made again, but never the folder it stood in, which may be a disk that is away.
 */
export class RotatingLog {
  readonly #options: RotatingLogOptions;
  readonly #maxBytes: number;
  #file: number | undefined;
  #dropped = 0;
  /** True after half a line. */
  #isTorn = false;

  constructor(options: RotatingLogOptions) {
    this.#options = options;
    this.#maxBytes = options.maxBytes ?? LOG_MAX_BYTES;
    try {
      mkdirSync(dirname(options.path), { recursive: true });
    } catch {
      // Opening the file tells what is wrong.
    }
  }

  /** Write a line, with its line feed. */
  write(line: string): void {
    const wasDropping = this.#dropped > 0;
    try {
      const file = this.#open(Buffer.byteLength(line));
      if (wasDropping) this.#append(file, this.#gap());
      this.#append(file, line);
      this.#dropped = 0;
      if (wasDropping) this.#options.onTrouble?.(undefined);
    } catch (error) {
      this.#dropped += 1;
      if (!wasDropping) this.#options.onTrouble?.(error);
    }
  }

  /** Close the file; a later write opens it again. */
  close(): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }

  /** What stands in place of the lines that were dropped. */
  #gap(): string {
    const time = new Date(this.#options.clock.now()).toISOString();
    return `${JSON.stringify({ level: 40, time, dropped: this.#dropped, msg: 'lines were dropped, because the log could not be written' })}\n`;
  }

  #append(file: number, line: string): void {
    const bytes = Buffer.from(this.#isTorn ? `\n${line}` : line);
    for (let written = 0; written < bytes.length; ) {
      written += writeSync(file, bytes, written);
      this.#isTorn = written < bytes.length;
    }
  }

  /** The file to write to: opened, reopened or begun anew as the disk demands. */
  #open(lineBytes: number): number {
    const { path } = this.#options;
    if (this.#file !== undefined && this.#isGone(this.#file)) this.close();
    this.#file ??= openSync(path, 'a', 0o666);
    const { size } = fstatSync(this.#file);
    if (size === 0 || size + lineBytes <= this.#maxBytes) return this.#file;
    this.close();
    this.#rotate();
    this.#file = openSync(path, 'a', 0o666);
    return this.#file;
  }

  /** True when the path shows another file, or none although its folder is there. */
  #isGone(file: number): boolean {
    const { path } = this.#options;
    const mine = fstatSync(file);
    const standing = statSync(path, { throwIfNoEntry: false });
    // Without the folder too, the disk is away, and the open file is as good as before; unless it was removed.
    if (standing === undefined) return mine.nlink === 0 || existsSync(dirname(path));
    return standing.ino !== mine.ino || standing.dev !== mine.dev;
  }

  #rotate(): void {
    const { path } = this.#options;
    rmSync(oldLogPath(path, OLD_LOGS_MAX), { force: true });
    for (let age = OLD_LOGS_MAX - 1; age > 0; age -= 1)
      renameIfThere(oldLogPath(path, age), oldLogPath(path, age + 1));
    renameIfThere(path, oldLogPath(path, 1));
  }
}

function renameIfThere(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
  }
}

/** How a log that cannot be written is told to a person. */
export function logTrouble(path: string, error: unknown): string {
  return `the log ${path} cannot be written (${reasonOf(error)}); going on without, lines are dropped until it can`;
}
