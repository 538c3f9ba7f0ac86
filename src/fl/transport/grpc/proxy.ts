import { BlockList, isIPv4 } from 'node:net';
import type { HostPort } from './target.ts';

/** Environment variables, as a process has them. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The proxy that stands between a client and its server. */
export interface HttpProxy {
  readonly place: HostPort;
  /** As people may see it: without a password. */
  readonly shown: string;
  /** The variable that names it. */
  readonly variable: string;
  /** `name:password`; null where it asks for none. */
  readonly login: string | null;
}

/** In the order in which grpc-js looks. */
const VARIABLES = ['grpc_proxy', 'https_proxy', 'http_proxy'] as const;

function isInNetwork(host: string, entry: string): boolean {
  const [network = '', prefix = ''] = entry.split('/');
  if (!isIPv4(host) || !isIPv4(network) || !/^\d{1,2}$/.test(prefix) || Number(prefix) > 32) return false;
  const list = new BlockList();
  list.addSubnet(network, Number(prefix), 'ipv4');
  return list.check(host, 'ipv4');
}

function isExcepted(host: string, environment: Environment): boolean {
  const list = environment['no_grpc_proxy'] || environment['no_proxy'];
  if (!list) return false;
  return list.split(',').some((entry) => host.endsWith(entry) || isInNetwork(host, entry));
}

/**
 * The proxy over which grpc-js reaches a host; undefined where it connects by itself.
 *
 * Source: grpc-js 1.14, http_proxy.ts: lower-case variables, proxies of http:// alone, no_proxy by endings and
 * IPv4 networks.
 */
export function proxyFor(host: string, environment: Environment): HttpProxy | undefined {
  const variable = VARIABLES.find((name) => environment[name]);
  const value = variable === undefined ? undefined : environment[variable];
  if (variable === undefined || value === undefined || isExcepted(host, environment)) return undefined;
  if (!URL.canParse(value)) return undefined;
  const { protocol, hostname, port, username, password } = new URL(value);
  if (protocol !== 'http:') return undefined;
  const place = { host: hostname.replace(/^\[|\]$/g, ''), port: port === '' ? 80 : Number(port) };
  const login = password === '' ? username : `${username}:${password}`;
  return {
    place,
    shown: `http://${hostname}:${place.port}`,
    variable,
    login: login === '' ? null : decodeURIComponent(login),
  };
}
