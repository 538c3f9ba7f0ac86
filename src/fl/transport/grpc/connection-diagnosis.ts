import { isIP } from 'node:net';
import type { Environment, HttpProxy } from './proxy.ts';
import { proxyFor } from './proxy.ts';
import { openRoute, PROBE_TIMEOUT_MS } from './route.ts';
import { plainHello, secureHello } from './server-hello.ts';
import type { HostPort } from './target.ts';
import { parseTarget } from './target.ts';

/** The files of a secure connection, and the name that the server's certificate must be for. */
export interface SecureSide {
  readonly key: Buffer;
  readonly chain: Buffer;
  readonly root: Buffer;
  /** Null takes the target's host. */
  readonly nameOverride: string | null;
}

export interface DiagnosisOptions {
  readonly target: string;
  /** Null for a client without TLS. */
  readonly secure: SecureSide | null;
  readonly environment: Environment;
  /** False where the channel's options switch proxies off. */
  readonly useProxy: boolean;
}

/** Why there is no connection: what a person must mend, or what may pass by itself. */
export type Diagnosis =
  | {
      readonly kind: 'refused';
      readonly code: 'certificate-refused' | 'secure-connection-wanted' | 'server-not-secure';
      readonly message: string;
      readonly hint: string;
    }
  | { readonly kind: 'waiting'; readonly message: string };

const CERTIFICATE_HINT =
  'Check ssl_cert, ssl_root_cert and the name in the server’s certificate; the channel option grpc.ssl_target_name_override names another one.';

const wantsTls = (target: string): Diagnosis => ({
  kind: 'refused',
  code: 'secure-connection-wanted',
  message: `the server at ${target} takes secure connections only, and this client has use_secure_connection false`,
  hint: 'Set use_secure_connection to true in grpc_configuration, with ssl_private_key, ssl_cert and ssl_root_cert.',
});

const wantsNoTls = (target: string): Diagnosis => ({
  kind: 'refused',
  code: 'server-not-secure',
  message: `the server at ${target} speaks without TLS, and this client has use_secure_connection true`,
  hint: 'Set use_secure_connection to true at the server as well, or to false at both.',
});

const waiting = (message: string): Diagnosis => ({ kind: 'waiting', message });

const HTTP1 = 'what answers there speaks HTTP/1, not gRPC: is the port the right one?';
const SILENT =
  'the connection is closed before anything is said: the server’s whitelist or blacklist may not let this machine in';

/** Looks at one place, over one way. */
class Examination {
  readonly #options: DiagnosisOptions;
  readonly #place: HostPort;
  readonly #proxy: HttpProxy | undefined;

  constructor(options: DiagnosisOptions, place: HostPort) {
    this.#options = options;
    this.#place = place;
    this.#proxy = options.useProxy ? proxyFor(place.host, options.environment) : undefined;
  }

  async result(): Promise<Diagnosis | undefined> {
    const found = await this.#look();
    if (this.#proxy === undefined || found?.kind === 'refused') return found;
    const { shown, variable } = this.#proxy;
    const why = found === undefined ? 'no connection comes about' : found.message;
    return waiting(
      `over the proxy ${shown}, which ${variable} names: ${why}; if the server needs no proxy, add ${this.#place.host} to no_proxy`,
    );
  }

  async #look(): Promise<Diagnosis | undefined> {
    return this.#options.secure === null ? this.#lookPlain() : this.#lookSecure(this.#options.secure);
  }

  async #lookPlain(): Promise<Diagnosis | undefined> {
    const { target } = this.#options;
    const speech = await this.#plainSpeech();
    if (typeof speech === 'object') return speech;
    if (speech === 'http2') return undefined;
    if (speech === 'tls') return wantsTls(target);
    if (speech === 'http1') return waiting(HTTP1);
    const route = await openRoute(this.#place, this.#proxy);
    if ('fault' in route) return waiting(route.fault);
    const hello = { expected: null, servername: this.#servername(null) };
    const { kind } = await secureHello(route.socket, hello, PROBE_TIMEOUT_MS);
    return kind === 'unclear' ? waiting(SILENT) : wantsTls(target);
  }

  async #lookSecure(secure: SecureSide): Promise<Diagnosis | undefined> {
    const { target } = this.#options;
    const route = await openRoute(this.#place, this.#proxy);
    if ('fault' in route) return waiting(route.fault);
    const { key, chain: cert, root: ca, nameOverride } = secure;
    const expected = nameOverride ?? this.#place.host;
    const hello = { key, cert, ca, expected, servername: this.#servername(nameOverride) };
    const handshake = await secureHello(route.socket, hello, PROBE_TIMEOUT_MS);
    if (handshake.kind === 'fine') return undefined;
    if (handshake.kind === 'refused')
      return {
        kind: 'refused',
        code: 'certificate-refused',
        message: `no secure connection to ${target}: ${handshake.why}`,
        hint: CERTIFICATE_HINT,
      };
    const speech = await this.#plainSpeech();
    if (typeof speech === 'object') return speech;
    if (speech === 'http2') return wantsNoTls(target);
    if (speech === 'http1') return waiting(HTTP1);
    return speech === 'nothing' ? waiting(SILENT) : undefined;
  }

  async #plainSpeech() {
    const route = await openRoute(this.#place, this.#proxy);
    return 'fault' in route ? waiting(route.fault) : plainHello(route.socket, PROBE_TIMEOUT_MS);
  }

  /** No address is ever asked for by name. */
  #servername(override: string | null): string | undefined {
    const name = override ?? this.#place.host;
    return isIP(name) === 0 ? name : undefined;
  }
}

/**
 * Find out why no connection comes about: gRPC only says that there is none.
 *
 * Guarantees: resolves within seconds; undefined when nothing is found that a person could mend or should know. A
 * proxy that stands between is always named, never its password.
 */
export async function diagnoseConnection(options: DiagnosisOptions): Promise<Diagnosis | undefined> {
  const target = parseTarget(options.target);
  if (target?.kind !== 'tcp') return undefined;
  return new Examination(options, target.places[0]).result();
}

/** What grpc-js says of a connection that does not come about, without its empty parts. */
export function plainDetails(details: string): string {
  const text = details
    .replace(/^No connection established\. /, '')
    .replace(/\.? ?Resolution note: *$/, '')
    .replace(/^Last error: (?:Error: )?/, '');
  return /^(?:undefined|null|Failed to connect\b.*)?$/.test(text) ? 'no connection comes about' : text;
}
