import type { ServerHttp2Session, ServerHttp2Stream } from 'node:http2';
import { constants } from 'node:http2';
import { invariant } from '../../../invariant.ts';

/** What is given to the network at a time: the least that shows how fast a peer takes it. Units: bytes. */
const PIECE_BYTES = 262_144;

/** The HTTP/2 stream below a call of grpc-js. Errors: InvariantError with a grpc-js that keeps it elsewhere. */
export function streamOf(call: object): ServerHttp2Stream {
  invariant('stream' in call, 'a call of grpc-js 1.14 has its stream there');
  return call.stream as ServerHttp2Stream;
}

/** The connection of a call; undefined once it is gone. */
export function sessionOf(call: object): ServerHttp2Session | undefined {
  return streamOf(call).session as ServerHttp2Session | undefined;
}

/** The encoding that a call announces for its messages, which grpc-js takes out of the metadata. Errors: as above. */
export function encodingOf(call: object): string {
  invariant('incomingEncoding' in call, 'a call of grpc-js 1.14 has its encoding there');
  return String(call.incomingEncoding);
}

/** End a call that does not listen any more, whatever is still to be sent. */
export function resetStream(stream: ServerHttp2Stream): void {
  if (!stream.closed) stream.close(constants.NGHTTP2_CANCEL);
}

/**
 * Let large writes go out in pieces, each when the one before has gone.
 *
 * Guarantees: the order of writes, and one callback each; `onSent` learns how much the peer has taken, as it takes it.
 * grpc-js itself writes a message at once, and nobody can see whether anything moves.
 */
export function writeInPieces(stream: ServerHttp2Stream, onSent: (bytes: number) => void): void {
  const writeWhole = stream.write.bind(stream) as (
    piece: Buffer,
    done: (error?: Error | null) => void,
  ) => boolean;
  const inPieces = (message: Buffer, done: (error?: Error | null) => void): boolean => {
    const from = (start: number): boolean => {
      const piece = message.subarray(start, start + PIECE_BYTES);
      return writeWhole(piece, (error) => {
        if (error) return done(error);
        onSent(piece.length);
        if (start + piece.length >= message.length) done();
        else from(start + piece.length);
      });
    };
    return from(0);
  };
  Object.assign(stream, { write: inPieces });
}
