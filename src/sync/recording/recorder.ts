import { createHash } from 'node:crypto';
import { appendFileSync, closeSync, openSync } from 'node:fs';
import { access, mkdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { writeFileAtomically } from '../../atomic-file.ts';
import type { Clock, Timer } from '../../clock.ts';
import { ConfigError, messageOf, reasonOf } from '../../errors.ts';
import type { Logger } from '../../logger.ts';
import { type NewLine, RECORDING_FORMAT } from './recording-line.ts';

export interface RecorderOptions {
  readonly path: string;
  /** The mirrored folder's path, as in Box. */
  readonly root: readonly string[];
  readonly clock: Clock;
  readonly logger: Logger;
  /** Longer contents are recorded by hash and length only. Units: bytes. */
  readonly contentMaxBytes: number;
  /** Lines and contents together; the recording ends there, the mount does not. Units: bytes. */
  readonly totalMaxBytes: number;
}

/** Contents up to this length are kept unless somebody says otherwise. Units: bytes. */
export const CONTENT_MAX_BYTES = 4 * 1024 * 1024;
/** A recording ends at this length unless somebody says otherwise. Units: bytes. */
export const TOTAL_MAX_BYTES = 4 * 1024 ** 3;

/** What waits longer is written. Units: milliseconds, characters. */
const FLUSH_MS = 500;
const FLUSH_CHARACTERS = 64 * 1024;
/** Contents that wait to be written; more are recorded by hash and length only. Units: bytes. */
const WAITING_MAX_BYTES = 64 * 1024 * 1024;

/** Where a recording's contents stand. */
export const contentFolder = (path: string): string => `${path}.contents`;

/**
 * Writes a recording: lines of JSON in a file that only grows, contents by hash beside it.
 *
 * Guarantees: what was written half a second ago is readable whatever happens to the process: the file is a row of
 * complete gzip members, each one write; files are for their owner's eyes only; memory and disk are bounded; a
 * recording that cannot be written ends, and never hinders what is recorded.
 */
export class Recorder {
  readonly #options: RecorderOptions;
  readonly #file: number;
  readonly #kept = new Set<string>();
  readonly #writing = new Set<Promise<void>>();
  #lines = '';
  #count = 0;
  #bytes: number;
  #waitingBytes = 0;
  #timer: Timer | undefined;
  #isEnding = false;
  #isOver = false;

  private constructor(options: RecorderOptions, file: number, bytes: number) {
    this.#options = options;
    this.#file = file;
    this.#bytes = bytes;
  }

  /** Open a recording, or go on with one. Errors: ConfigError 'recording-file' when the file cannot be written. */
  static async open(options: RecorderOptions): Promise<Recorder> {
    try {
      await mkdir(contentFolder(options.path), { recursive: true, mode: 0o700 });
      const file = openSync(options.path, 'a', 0o600);
      const recorder = new Recorder(options, file, (await stat(options.path)).size);
      const { root, contentMaxBytes } = options;
      recorder.write({
        kind: 'begin',
        format: RECORDING_FORMAT,
        root: [...root],
        content_max_bytes: contentMaxBytes,
      });
      return recorder;
    } catch (cause) {
      throw new ConfigError({
        code: 'recording-file',
        message: `--record ${options.path} cannot be written (${reasonOf(cause)})`,
        hint: 'Name a file in an existing folder, outside the mirrored one.',
        cause,
      });
    }
  }

  /** Contents up to this length are worth reading for `keep`. */
  get contentMaxBytes(): number {
    return this.#isOver ? -1 : this.#options.contentMaxBytes;
  }

  write(line: NewLine): void {
    if (this.#isOver) return;
    const stamped = { n: this.#count, at_ms: this.#options.clock.now(), ...line };
    this.#count += 1;
    this.#lines += `${JSON.stringify(stamped)}\n`;
    if (this.#lines.length >= FLUSH_CHARACTERS) this.flush();
    else this.#timer ??= this.#options.clock.after(FLUSH_MS, () => this.flush());
  }

  /** Write what waits. */
  flush(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    if (this.#lines === '' || this.#isOver) return;
    const member = gzipSync(this.#lines);
    this.#lines = '';
    try {
      appendFileSync(this.#file, member);
    } catch (error) {
      this.#giveUp(error);
      return;
    }
    this.#spend(member.length);
  }

  /** Whether a content is kept already, or too long to be. */
  isSettled(sha1: string, sizeBytes: number): boolean {
    return sizeBytes > this.contentMaxBytes || this.#kept.has(sha1);
  }

  /** Keep a content under its hash; what is too long, known or too much at once is left out. */
  keep(bytes: Uint8Array): void {
    const sha1 = createHash('sha1').update(bytes).digest('hex');
    const room = WAITING_MAX_BYTES - this.#waitingBytes;
    if (this.isSettled(sha1, bytes.length) || bytes.length > room) return;
    if (this.#bytes + this.#waitingBytes + bytes.length > this.#options.totalMaxBytes) {
      this.#end('limit');
      return;
    }
    this.#kept.add(sha1);
    this.#waitingBytes += bytes.length;
    const work = this.#store(sha1, bytes).finally(() => {
      this.#waitingBytes -= bytes.length;
      this.#writing.delete(work);
    });
    this.#writing.add(work);
  }

  /** Keep the content of a file as it stands; a file that is gone or too long is left out. */
  keepFile(path: string, sizeBytes: number): void {
    if (sizeBytes > this.contentMaxBytes || sizeBytes > WAITING_MAX_BYTES - this.#waitingBytes) return;
    this.#waitingBytes += sizeBytes;
    const work = readFile(path)
      .finally(() => {
        this.#waitingBytes -= sizeBytes;
      })
      .then(
        (bytes) => this.keep(bytes),
        () => undefined,
      )
      .finally(() => this.#writing.delete(work));
    this.#writing.add(work);
  }

  /** Write everything and end the recording; idempotent. */
  async close(): Promise<void> {
    while (this.#writing.size > 0) await Promise.all(this.#writing);
    this.#end('closed');
  }

  async #store(sha1: string, bytes: Uint8Array): Promise<void> {
    const path = join(contentFolder(this.#options.path), sha1);
    try {
      const isThere = await access(path).then(
        () => true,
        () => false,
      );
      if (!isThere) {
        await writeFileAtomically(path, bytes, { mode: 0o600 });
        this.#spend(bytes.length);
      }
      this.write({ kind: 'content', sha1, size_bytes: bytes.length });
    } catch (error) {
      this.#giveUp(error);
    }
  }

  #spend(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes > this.#options.totalMaxBytes) this.#end('limit');
  }

  #end(reason: 'closed' | 'limit'): void {
    if (this.#isOver || this.#isEnding) return;
    this.#isEnding = true;
    if (reason === 'limit')
      this.#options.logger.warn({ bytes: this.#bytes }, 'the recording has reached its limit and ends');
    this.write({ kind: 'end', reason });
    this.flush();
    this.#shut();
  }

  #giveUp(error: unknown): void {
    if (this.#isOver) return;
    this.#options.logger.warn({ error: messageOf(error) }, 'the recording cannot be written and ends');
    this.#shut();
  }

  #shut(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#timer?.cancel();
    closeSync(this.#file);
  }
}
