import type { Socket } from 'node:net';
import { connect } from 'node:tls';
import { messageOf } from '../../../errors.ts';
import { identityError } from './server-identity.ts';

/** How a client of HTTP/2 begins: its preface, and settings that change nothing. Source: RFC 9113, 3.4. */
const PREFACE = Buffer.concat([
  Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1'),
  Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]),
]);
const SETTINGS_FRAME = 4;
const TLS_ALERT = 0x15;

/** What speaks at the other end. */
export type Speech = 'http2' | 'http1' | 'tls' | 'something' | 'nothing';

function speechOf(bytes: Buffer): Speech {
  if (bytes[0] === TLS_ALERT && bytes[1] === 3) return 'tls';
  if (bytes.toString('latin1', 0, 5) === 'HTTP/') return 'http1';
  return bytes[3] === SETTINGS_FRAME ? 'http2' : 'something';
}

/** Greet as a client without TLS does. Guarantees: closes the socket; 'nothing' where it was closed in silence. */
export function plainHello(socket: Socket, timeoutMs: number): Promise<Speech> {
  return new Promise((resolve) => {
    const finish = (speech: Speech) => {
      socket.destroy();
      resolve(speech);
    };
    socket.setTimeout(timeoutMs, () => finish('nothing'));
    socket.once('data', (bytes) => finish(speechOf(bytes)));
    socket.once('error', () => finish('nothing'));
    socket.once('close', () => finish('nothing'));
    socket.write(PREFACE);
  });
}

/** A client's side of a handshake. */
export interface SecureHello {
  readonly key?: Buffer;
  readonly cert?: Buffer;
  readonly ca?: Buffer;
  /** The name that the server's certificate must be for; null takes any certificate. */
  readonly expected: string | null;
  /** The name that is asked for; undefined at a bare address. */
  readonly servername: string | undefined;
}

/** What came of a handshake. */
export type Handshake =
  | { readonly kind: 'fine' }
  /** It is TLS, and something about certificates is wrong. */
  | { readonly kind: 'refused'; readonly why: string }
  /** There is no TLS at the other end, or nothing can be said. */
  | { readonly kind: 'unclear' };

const HUNG_UP =
  'the server hung up when it saw the certificate of this client: it does not trust it, or it has expired';

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : '';

/** What OpenSSL says when the other side's bytes are no TLS. */
function isNoTls(error: unknown): boolean {
  return /WRONG_VERSION_NUMBER|PACKET_LENGTH|UNEXPECTED_MESSAGE|HTTP_REQUEST|UNSUPPORTED_PROTOCOL|BAD_RECORD_TYPE|EPROTO$/.test(
    codeOf(error),
  );
}

/** Whether a failed connection has to do with certificates at all. */
function isAboutCertificates(error: unknown): boolean {
  return !isNoTls(error) && /CERT|TLS|SSL|SIGNATURE|ISSUER|ALTNAME|SELF_SIGNED/.test(codeOf(error));
}

/** Greet as a client with TLS does. Guarantees: closes the socket; resolves within `timeoutMs`. */
export function secureHello(socket: Socket, hello: SecureHello, timeoutMs: number): Promise<Handshake> {
  const { key, cert, ca, expected, servername } = hello;
  return new Promise((resolve) => {
    const secured = connect({
      socket,
      ...(key === undefined ? {} : { key }),
      ...(cert === undefined ? {} : { cert }),
      ...(ca === undefined ? {} : { ca }),
      ...(servername === undefined ? {} : { servername }),
      ALPNProtocols: ['h2'],
      rejectUnauthorized: expected !== null,
      checkServerIdentity: (_, certificate) =>
        expected === null ? undefined : identityError(expected, certificate),
    });
    let isShown = false;
    const finish = (handshake: Handshake) => {
      secured.destroy();
      socket.destroy();
      resolve(handshake);
    };
    secured.setTimeout(timeoutMs, () => finish({ kind: isShown ? 'fine' : 'unclear' }));
    secured.once('secureConnect', () => {
      isShown = true;
      if (expected === null) finish({ kind: 'fine' });
    });
    // A server that takes our certificate speaks first; one that does not hangs up, with an alert or without.
    secured.once('data', () => finish({ kind: 'fine' }));
    secured.once('error', (error) => {
      if (isAboutCertificates(error)) finish({ kind: 'refused', why: messageOf(error) });
      else if (!isShown) finish({ kind: 'unclear' });
    });
    secured.once('close', () => finish(isShown ? { kind: 'refused', why: HUNG_UP } : { kind: 'unclear' }));
  });
}
