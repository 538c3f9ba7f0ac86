/** One byte that says whether the message is compressed, four of its length. Source: gRPC over HTTP/2. */
const HEAD_BYTES = 5;
/** Field 1, length-delimited: the token of a `Checkpoint`. */
const TOKEN_TAG = 0x0a;
/** The longest token that anybody was ever given is far shorter. Units: bytes; one byte of length. */
const TOKEN_MAX_BYTES = 127;

/** How many bytes of a call are enough to see whose it is. */
export const PEEK_BYTES = HEAD_BYTES + 2 + TOKEN_MAX_BYTES;

/**
 * The token at the beginning of an upload, before the rest of it is read.
 *
 * Guarantees: null as long as more bytes are needed; undefined where the message does not begin with a token.
 * Source: protobuf encoding guide; every encoder in use writes fields in the order of their numbers.
 */
export function tokenAtStart(bytes: Buffer): string | null | undefined {
  const messageBytes = bytes.length < HEAD_BYTES ? null : bytes.readUInt32BE(1);
  if (messageBytes === null) return null;
  const tokenBytes = bytes[HEAD_BYTES + 1];
  if (messageBytes < 2) return undefined;
  if (bytes.length > HEAD_BYTES && bytes[HEAD_BYTES] !== TOKEN_TAG) return undefined;
  if (tokenBytes === undefined) return null;
  const start = HEAD_BYTES + 2;
  if (tokenBytes === 0 || tokenBytes > TOKEN_MAX_BYTES || 2 + tokenBytes > messageBytes) return undefined;
  if (bytes.length < start + tokenBytes) return null;
  return bytes.toString('utf8', start, start + tokenBytes);
}
