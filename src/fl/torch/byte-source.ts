import { createHash } from 'node:crypto';
import { type BigIntStats, closeSync, constants, fstatSync, openSync, read, readSync } from 'node:fs';
import { promisify } from 'node:util';
import { errnoOf, reasonOf, StaleError, StateError } from '../../errors.ts';
import { malformed } from './malformed.ts';

const readSoon = promisify(read);

/** Bytes that a digest is taken of at a time. */
const DIGEST_PIECE_BYTES = 1024 * 1024;
/** Reads up to this length are done at once. Units: bytes. */
const SHORT_BYTES = 256 * 1024;

/** The identity of a file's content at one moment, as far as the file system tells. */
interface FileState {
  readonly sizeBytes: number;
  readonly modifiedNs: bigint;
  readonly inode: bigint;
  readonly changedNs: bigint;
}

function unreadable(path: string, cause: unknown): StateError {
  const isMissing = ['ENOENT', 'ENOTDIR'].includes(errnoOf(cause) ?? '');
  return new StateError({
    code: isMissing ? 'checkpoint-missing' : 'checkpoint-unreadable',
    message: isMissing ? `there is no file ${path}` : `${path} cannot be read: ${reasonOf(cause)}`,
    data: { path },
    cause,
  });
}

function stateOf({ size, mtimeNs, ino, ctimeNs }: BigIntStats): FileState {
  return { sizeBytes: Number(size), modifiedNs: mtimeNs, inode: ino, changedNs: ctimeNs };
}

/** Errors: StateError 'checkpoint-missing' | 'checkpoint-unreadable'. */
function openForReading(path: string): number {
  try {
    // A pipe that nobody writes to would hold up `open` itself: it is opened without waiting, and then refused.
    return openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

/**
 * A file opened for positioned reads.
 *
 * Opening and asking for its state are done at once: a thread's hand-over takes longer, most of all while other threads
 * come up.
 *
 * Guarantees: a read gives all the bytes asked for or fails; nothing outside [0, sizeBytes) is ever asked of the file.
 * Errors: CorruptError 'out-of-bounds' for a range outside the file; StaleError 'changed' when the file shrank or
 * was written while it was open.
 */
export class ByteSource {
  readonly path: string;
  readonly sizeBytes: number;
  /** For readers in other threads of this process; valid until `close`. */
  readonly descriptor: number;
  readonly #opened: FileState;
  #closed = false;

  private constructor(path: string, descriptor: number, opened: FileState) {
    this.path = path;
    this.sizeBytes = opened.sizeBytes;
    this.descriptor = descriptor;
    this.#opened = opened;
  }

  /** Errors: StateError 'checkpoint-missing' | 'checkpoint-unreadable'. */
  static open(path: string): ByteSource {
    const descriptor = openForReading(path);
    try {
      const stat = fstatSync(descriptor, { bigint: true });
      if (!stat.isFile())
        throw new StateError({
          code: 'checkpoint-unreadable',
          message: `${path} is not a file`,
          data: { path },
        });
      return new ByteSource(path, descriptor, stateOf(stat));
    } catch (error) {
      closeSync(descriptor);
      throw error;
    }
  }

  /** Read `length` bytes at `offset` into a fresh buffer. */
  async read(offset: number, length: number): Promise<Buffer> {
    this.#check(offset, length);
    const target = Buffer.allocUnsafeSlow(length);
    // A thread's hand-over takes longer than a short read.
    if (length <= SHORT_BYTES) this.readIntoSync(target, offset);
    else await this.readInto(target, offset);
    return target;
  }

  /** Fill `target` with the bytes at `offset`. */
  async readInto(target: Uint8Array, offset: number): Promise<void> {
    this.#check(offset, target.length);
    let done = 0;
    while (done < target.length) {
      const { bytesRead } = await readSoon(
        this.descriptor,
        target,
        done,
        target.length - done,
        offset + done,
      );
      if (bytesRead === 0) throw this.#changed();
      done += bytesRead;
    }
  }

  /** As `readInto`, at once, the first `length` bytes of it: for the few bytes of a record's header. */
  readIntoSync(target: Uint8Array, offset: number, length = target.length): void {
    this.#check(offset, length);
    let done = 0;
    while (done < length) {
      const bytesRead = readSync(this.descriptor, target, done, length - done, offset + done);
      if (bytesRead === 0) throw this.#changed();
      done += bytesRead;
    }
  }

  /** Fail if the file was written since it was opened. Errors: StaleError 'changed'. */
  assertUnchanged(): void {
    const now = stateOf(fstatSync(this.descriptor, { bigint: true }));
    if (now.sizeBytes !== this.#opened.sizeBytes || now.modifiedNs !== this.#opened.modifiedNs)
      throw this.#changed();
  }

  /** What differs whenever the file is another one, or was written, as of its opening. */
  get facts(): string {
    const { inode, sizeBytes, modifiedNs, changedNs } = this.#opened;
    return `${inode}-${sizeBytes}-${modifiedNs}-${changedNs}`;
  }

  /** The SHA-256 of the whole file. Errors: as `readInto`. */
  async sha256(): Promise<string> {
    const hash = createHash('sha256');
    const piece = Buffer.allocUnsafeSlow(Math.min(DIGEST_PIECE_BYTES, Math.max(1, this.sizeBytes)));
    for (let done = 0; done < this.sizeBytes; done += piece.length) {
      const part = piece.subarray(0, Math.min(piece.length, this.sizeBytes - done));
      await this.readInto(part, done);
      hash.update(part);
    }
    return hash.digest('hex');
  }

  /** Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    closeSync(this.descriptor);
  }

  #check(offset: number, length: number): void {
    const inside = offset >= 0 && length >= 0 && offset + length <= this.sizeBytes;
    if (!inside || !Number.isSafeInteger(offset + length))
      throw malformed('out-of-bounds', 'the file ends before the bytes that its index promises', {
        offset,
        length,
        sizeBytes: this.sizeBytes,
      });
  }

  #changed(): StaleError {
    return new StaleError({
      code: 'changed',
      message: `${this.path} was written while it was read`,
      hint: 'Wait until its transfer is complete and try again.',
    });
  }
}
