import type { Decoder } from './message-frames.ts';
import { PEEK_BYTES, tokenAtStart } from './token-peek.ts';

interface UploadFramesOptions {
  readonly frames: Decoder;
  /** Called with the length of every piece. */
  readonly onBytes: (bytes: number) => void;
  /** Called once, with the token at the upload's beginning; undefined where there is none. */
  readonly onToken: (token: string | undefined) => void;
}

/**
 * Reads whose an upload is from its first bytes.
 *
 * Guarantees: passes on what `frames` makes of it; keeps a few bytes, and only until the token is known.
 */
export class UploadFrames implements Decoder {
  readonly #options: UploadFramesOptions;
  #start: Buffer | null = Buffer.alloc(0);
  #hasMessage = false;

  constructor(options: UploadFramesOptions) {
    this.#options = options;
  }

  /** Errors: as the frames'; Error for anything after the one message. */
  write(piece: Buffer): Buffer[] {
    if (this.#hasMessage && piece.length > 0) throw new Error('An upload is one message.');
    const whole = this.#options.frames.write(piece);
    if (whole.length > 1) throw new Error('An upload is one message.');
    this.#hasMessage = whole.length > 0;
    this.#options.onBytes(piece.length);
    this.#peek(piece);
    return whole;
  }

  #peek(piece: Buffer): void {
    if (this.#start === null) return;
    this.#start = Buffer.concat([this.#start, piece.subarray(0, PEEK_BYTES)]);
    const token = tokenAtStart(this.#start);
    if (token === null) return;
    this.#start = null;
    this.#options.onToken(token);
  }
}
