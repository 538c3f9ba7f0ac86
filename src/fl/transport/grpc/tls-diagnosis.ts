import { isIP } from 'node:net';
import { connect } from 'node:tls';
import { messageOf } from '../../../errors.ts';

/** How long the other side may take to show what it thinks of our certificate. Units: milliseconds. */
const DIAGNOSIS_TIMEOUT_MS = 5_000;

const HUNG_UP =
  'the server hung up when it saw the certificate of this client: it does not trust it, or it has expired';

export interface DiagnosisOptions {
  /** `host:port`, with an IPv6 host in brackets, and with or without a scheme that grpc-js knows. */
  readonly target: string;
  readonly key: Buffer;
  readonly chain: Buffer;
  readonly root: Buffer;
  /** The name that the server's certificate must be for; null takes the target's host. */
  readonly nameOverride: string | null;
}

function addressOf(target: string): { readonly host: string; readonly port: number } | undefined {
  const match = /^(?:(?:dns|ipv4|ipv6):(?:\/\/[^/]*\/)?)?(\[[^\]]+\]|[^:/]+):(\d{1,5})$/.exec(target);
  if (match?.[1] === undefined) return undefined;
  return { host: match[1].replace(/^\[|\]$/g, ''), port: Number(match[2]) };
}

/** Whether a failed connection has to do with certificates at all. */
function isAboutCertificates(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return /CERT|TLS|SSL|SIGNATURE|ISSUER|ALTNAME|SELF_SIGNED/.test(code);
}

/**
 * Find out why no secure connection comes about: gRPC only says that there is none.
 *
 * Guarantees: resolves within a few seconds; undefined when certificates are not the reason.
 */
export function diagnoseTls(options: DiagnosisOptions): Promise<string | undefined> {
  const address = addressOf(options.target);
  if (address === undefined) return Promise.resolve(undefined);
  const { key, chain: cert, root: ca, nameOverride } = options;
  const expected = nameOverride ?? (isIP(address.host) === 0 ? address.host : undefined);
  return new Promise((resolve) => {
    const socket = connect({
      ...address,
      key,
      cert,
      ca,
      ALPNProtocols: ['h2'],
      ...(expected === undefined ? {} : { servername: expected }),
      timeout: DIAGNOSIS_TIMEOUT_MS,
    });
    let isShown = false;
    const finish = (reason: string | undefined) => {
      socket.destroy();
      resolve(reason);
    };
    socket.once('secureConnect', () => {
      isShown = true;
    });
    // A server that takes our certificate speaks first; one that does not hangs up, with an alert or without.
    socket.once('data', () => finish(undefined));
    socket.once('error', (error) => {
      if (isAboutCertificates(error)) finish(messageOf(error));
    });
    socket.once('close', () => finish(isShown ? HUNG_UP : undefined));
    socket.once('timeout', () => finish(undefined));
  });
}
