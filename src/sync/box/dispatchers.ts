import { Agent, type Dispatcher, EnvHttpProxyAgent } from 'undici';

/** The variables that name a proxy, as the programs found them. */
export interface ProxyEnvironment {
  readonly HTTP_PROXY?: string | undefined;
  readonly http_proxy?: string | undefined;
  readonly HTTPS_PROXY?: string | undefined;
  readonly https_proxy?: string | undefined;
  readonly NO_PROXY?: string | undefined;
  readonly no_proxy?: string | undefined;
}

/** Connections to one origin: enough for parallel parts of several files beside the small calls. */
const CONNECTIONS_MAX = 32;
const KEEP_ALIVE_MS = 30_000;
/** After this long a connection that nobody answers has failed. */
export const CONNECT_TIMEOUT_MS = 20_000;

// The exchange counts silence itself, by the injected clock.
const AGENT_OPTIONS = {
  connections: CONNECTIONS_MAX,
  keepAliveTimeout: KEEP_ALIVE_MS,
  connect: { timeout: CONNECT_TIMEOUT_MS },
  headersTimeout: 0,
  bodyTimeout: 0,
} as const;

/** True for the names and addresses of this machine itself. */
export function isLoopback(hostname: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, '').toLowerCase();
  return host === 'localhost' || host.endsWith('.localhost') || host === '::1' || /^127\./.test(host);
}

/** Pools of kept-alive connections: through the proxy that the environment names, but never for this machine. */
export class Dispatchers {
  readonly #direct = new Agent(AGENT_OPTIONS);
  readonly #proxied: Dispatcher | undefined;

  constructor(environment: ProxyEnvironment = {}) {
    const http = environment.http_proxy ?? environment.HTTP_PROXY ?? '';
    const https = environment.https_proxy ?? environment.HTTPS_PROXY ?? '';
    if (http === '' && https === '') return;
    this.#proxied = new EnvHttpProxyAgent({
      ...AGENT_OPTIONS,
      httpProxy: http,
      httpsProxy: https === '' ? http : https,
      noProxy: environment.no_proxy ?? environment.NO_PROXY ?? '',
    });
  }

  for(url: URL): Dispatcher {
    return this.#proxied === undefined || isLoopback(url.hostname) ? this.#direct : this.#proxied;
  }

  /** Break every connection. Idempotent. */
  async close(): Promise<void> {
    await this.#direct.destroy();
    await this.#proxied?.destroy();
  }
}
