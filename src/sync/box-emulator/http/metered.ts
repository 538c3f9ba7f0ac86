import { pipeline, type Readable, Transform, type TransformCallback } from 'node:stream';
import { type Clock, delay } from '../../../clock.ts';

/** Largest piece that is let through at once while a transfer is paced, so that pacing is even. */
const PACED_CHUNK_BYTES = 64 * 1024;
const PIECE_MS = 20;

/** Counts the bytes that pass, and lets them pass no faster than the bandwidth allows. */
export class Meter extends Transform {
  readonly #clock: Clock;
  readonly #bytesPerSecond: () => number;
  readonly #onBytes: (bytes: number) => void;
  #freeAt = 0;

  constructor(clock: Clock, bytesPerSecond: () => number, onBytes: (bytes: number) => void) {
    super();
    this.#clock = clock;
    this.#bytesPerSecond = bytesPerSecond;
    this.#onBytes = onBytes;
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    if (this.#bytesPerSecond() === 0) {
      this.#onBytes(chunk.byteLength);
      done(null, chunk);
      return;
    }
    this.#passPaced(chunk).then(
      () => done(),
      (error: unknown) => done(error instanceof Error ? error : new Error(String(error))),
    );
  }

  async #passPaced(chunk: Buffer): Promise<void> {
    for (let offset = 0; offset < chunk.byteLength && !this.destroyed; ) {
      const rate = this.#bytesPerSecond();
      const size = rate === 0 ? chunk.byteLength : pieceBytes(rate);
      const piece = chunk.subarray(offset, offset + size);
      offset += piece.byteLength;
      this.#onBytes(piece.byteLength);
      this.push(piece);
      if (rate === 0) continue;
      // The wait follows the piece, so that a transfer's first bytes are seen at once, as on a slow line; and it is
      // reckoned from when the last one should have ended, so that late timers do not add up.
      const now = this.#clock.monotonic();
      this.#freeAt = Math.max(this.#freeAt, now - PIECE_MS) + (piece.byteLength / rate) * 1000;
      await delay(this.#clock, this.#freeAt - now);
    }
  }
}

/** So many bytes that a piece takes about the time of `PIECE_MS`. */
function pieceBytes(bytesPerSecond: number): number {
  return Math.min(PACED_CHUNK_BYTES, Math.max(1, Math.floor((bytesPerSecond * PIECE_MS) / 1000)));
}

/** Read `source` through a meter; when the source breaks off, so does the result. */
export function metered(source: Readable, meter: Meter): Meter {
  pipeline(source, meter, () => undefined);
  return meter;
}
