import { invariant } from '../../../invariant.ts';

/** One byte that says whether the message is compressed, four of its length, big-endian. Source: gRPC over HTTP/2. */
const HEAD_BYTES = 5;
/** The first byte of a message that is not compressed. */
const PLAIN = 0;

/** What is said to whoever compresses. */
export const COMPRESSED_TEXT = 'Compressed messages are not taken; send them with identity encoding.';

/**
 * Puts together the messages of one call from the pieces in which they come.
 *
 * Guarantees: a message is in memory once: its room is taken when its length is known, and each piece is copied there.
 * grpc-js itself keeps all pieces until the call's end, and joins them into a copy.
 * Errors: Error, with the words of every gRPC, when a message is longer than `maxBytes`; Error when one is compressed:
 * a limit on what arrives says nothing about what it inflates to.
 */
export class MessageFrames {
  readonly #maxBytes: number;
  readonly #onTooLong: (sizeBytes: number) => void;
  readonly #onCompressed: () => void;
  readonly #head = Buffer.alloc(HEAD_BYTES);
  #headBytes = 0;
  /** The head and the message; null until the head is here. */
  #frame: Buffer | null = null;
  #frameBytes = 0;

  constructor(maxBytes: number, onTooLong: (sizeBytes: number) => void, onCompressed: () => void = () => {}) {
    this.#maxBytes = maxBytes;
    this.#onTooLong = onTooLong;
    this.#onCompressed = onCompressed;
  }

  /** Take the next piece. Returns what is whole now, each message behind its head. */
  write(piece: Buffer): Buffer[] {
    const whole: Buffer[] = [];
    for (let at = 0; at < piece.length; ) {
      if (this.#frame === null) {
        at += this.#readHead(piece, at);
        continue;
      }
      const copied = piece.copy(this.#frame, this.#frameBytes, at);
      at += copied;
      this.#frameBytes += copied;
      this.#finish(whole);
    }
    // An empty message is whole with its head.
    if (this.#frame !== null) this.#finish(whole);
    return whole;
  }

  #readHead(piece: Buffer, at: number): number {
    const copied = piece.copy(this.#head, this.#headBytes, at);
    this.#headBytes += copied;
    if (this.#head[0] !== PLAIN) {
      this.#onCompressed();
      throw new Error(COMPRESSED_TEXT);
    }
    if (this.#headBytes < HEAD_BYTES) return copied;
    const sizeBytes = this.#head.readUInt32BE(1);
    if (sizeBytes > this.#maxBytes) {
      this.#onTooLong(sizeBytes);
      throw new Error(`Received message larger than max (${sizeBytes} vs ${this.#maxBytes})`);
    }
    // Memory that is not written to costs nothing yet: whoever only announces a gigabyte gets none.
    this.#frame = Buffer.allocUnsafeSlow(HEAD_BYTES + sizeBytes);
    this.#frameBytes = this.#head.copy(this.#frame);
    return copied;
  }

  #finish(whole: Buffer[]): void {
    if (this.#frame === null || this.#frameBytes < this.#frame.length) return;
    whole.push(this.#frame);
    this.#frame = null;
    this.#headBytes = 0;
  }
}

/** What grpc-js asks of the decoder of a call. */
export type Decoder = Pick<MessageFrames, 'write'>;

/**
 * Let a call of grpc-js put its request together with this decoder.
 *
 * Guarantees: an InvariantError with a grpc-js that keeps its decoder elsewhere: without this, memory has no bound.
 */
export function receiveInPlace(call: object, decoder: Decoder): void {
  invariant('decoder' in call, 'a call of grpc-js 1.14 has its decoder there');
  call.decoder = decoder;
}
