import { PassThrough, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type Clock, delay } from '../../clock.ts';

/** A share of a second that may go at once after a pause. */
const BURST_S = 0.25;
/** Streams take turns in pieces of this size. */
const PIECE_BYTES = 16 * 1024;
/** So much of a stream's beginning never waits: a heartbeat does not queue behind a gigabyte. It counts all the same. */
const URGENT_BYTES = 64 * 1024;

/**
 * One direction's share of the line, a token bucket.
 *
 * Guarantees: over any longer time no more bytes pass than the rate allows; who asks first goes first.
 */
export class Bandwidth {
  readonly #clock: Clock;
  readonly #bytesPerMs: number;
  readonly #capacity: number;
  #tokens: number;
  #updatedMs: number;

  constructor(clock: Clock, bytesPerSecond: number) {
    this.#clock = clock;
    this.#bytesPerMs = bytesPerSecond / 1000;
    this.#capacity = bytesPerSecond * BURST_S;
    this.#tokens = this.#capacity;
    this.#updatedMs = clock.monotonic();
  }

  /** Count bytes, and tell how long to wait until they may pass. Units: milliseconds. */
  reserve(bytes: number): number {
    const nowMs = this.#clock.monotonic();
    this.#tokens = Math.min(
      this.#capacity,
      this.#tokens + Math.max(0, nowMs - this.#updatedMs) * this.#bytesPerMs,
    );
    this.#updatedMs = nowMs;
    this.#tokens -= bytes;
    return Math.max(0, -this.#tokens / this.#bytesPerMs);
  }

  /** A stream of the same bytes at this rate. Guarantees: an error or an end on either side reaches the other. */
  slow(source: Readable): Readable {
    const out = new PassThrough({ highWaterMark: PIECE_BYTES });
    const gone = new AbortController();
    out.once('close', () => gone.abort());
    const pieces = (chunks: AsyncIterable<Buffer>) => this.#pieces(chunks, gone.signal);
    pipeline(source, pieces, out).catch((error: unknown) =>
      out.destroy(error instanceof Error ? error : new Error(String(error))),
    );
    return out;
  }

  async *#pieces(chunks: AsyncIterable<Buffer>, gone: AbortSignal): AsyncGenerator<Buffer> {
    let passed = 0;
    for await (const chunk of chunks) {
      for (let at = 0; at < chunk.length; at += PIECE_BYTES) {
        const piece = chunk.subarray(at, at + PIECE_BYTES);
        const waitMs = this.reserve(piece.length);
        passed += piece.length;
        if (passed > URGENT_BYTES) await delay(this.#clock, waitMs, gone);
        yield piece;
      }
    }
  }
}
