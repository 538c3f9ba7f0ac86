import { malformed } from './malformed.ts';

const NEWLINE = 0x0a;
const REPLACEMENT = '\ufffd';
/** Longest module or attribute name of a GLOBAL line. Units: bytes. */
const LINE_BYTES_MAX = 1024;

/** Reads a pickle stream's arguments; every length is checked against what is left. */
export class PickleCursor {
  readonly #bytes: Buffer;
  readonly #decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  #at: number;

  constructor(bytes: Buffer, start: number) {
    this.#bytes = bytes;
    this.#at = start;
  }

  get position(): number {
    return this.#at;
  }

  /** Take `count` bytes. Errors: CorruptError 'pickle-truncated'. */
  take(count: number): Buffer {
    const start = this.#advance(count);
    return this.#bytes.subarray(start, start + count);
  }

  /** Move past `count` bytes; returns where they start. Errors: CorruptError 'pickle-truncated'. */
  #advance(count: number): number {
    const start = this.#at;
    if (count > this.#bytes.length - start)
      throw malformed('pickle-truncated', 'the pickle stream ends in the middle of an instruction', {
        offset: start,
        wanted: count,
        left: this.#bytes.length - start,
      });
    this.#at = start + count;
    return start;
  }

  uint8(): number {
    return this.#bytes[this.#advance(1)] ?? 0;
  }

  uint16(): number {
    return this.#bytes.readUInt16LE(this.#advance(2));
  }

  uint32(): number {
    return this.#bytes.readUInt32LE(this.#advance(4));
  }

  int32(): number {
    return this.#bytes.readInt32LE(this.#advance(4));
  }

  /** A double, big-endian as pickle alone writes it. */
  float64(): number {
    return this.#bytes.readDoubleBE(this.#advance(8));
  }

  /** A length of eight bytes, of what follows. */
  length64(): number {
    const length = this.take(8).readBigUInt64LE(0);
    if (length > BigInt(this.#bytes.length - this.#at))
      throw malformed('pickle-truncated', 'the pickle stream claims a string longer than itself');
    return Number(length);
  }

  /** A signed integer of `count` little-endian bytes, in two's complement; null above 16 bytes. */
  integer(count: number): number | bigint | null {
    const raw = this.take(count);
    if (count > 16) return null;
    if (count === 0) return 0;
    let value = 0n;
    for (let index = count - 1; index >= 0; index -= 1) value = (value << 8n) | BigInt(raw[index] ?? 0);
    const signed = BigInt.asIntN(count * 8, value);
    const isSafe = signed >= -9007199254740991n && signed <= 9007199254740991n;
    return isSafe ? Number(signed) : signed;
  }

  /** A string of `count` bytes. Errors: CorruptError 'bad-text' when they are not UTF-8. */
  text(count: number): string {
    const start = this.#advance(count);
    const text = this.#bytes.toString('utf8', start, start + count);
    // The replacement character may stand there by right; only then is the slower, strict decoder asked.
    if (!text.includes(REPLACEMENT)) return text;
    try {
      return this.#decoder.decode(this.#bytes.subarray(start, start + count));
    } catch {
      throw malformed('bad-text', 'the pickle stream holds a name that is not UTF-8', { offset: start });
    }
  }

  /** A line up to its newline, which is not part of it. Errors: CorruptError 'too-long' | 'pickle-truncated'. */
  line(): string {
    const end = this.#bytes.indexOf(NEWLINE, this.#at);
    const length = (end < 0 ? this.#bytes.length : end) - this.#at;
    if (length > LINE_BYTES_MAX)
      throw malformed('too-long', `the checkpoint uses a name of more than ${LINE_BYTES_MAX} bytes`, {
        offset: this.#at,
      });
    if (end < 0)
      throw malformed('pickle-truncated', 'a line of the pickle stream has no end', { offset: this.#at });
    const text = this.text(end - this.#at);
    this.#at = end + 1;
    return text;
  }
}
