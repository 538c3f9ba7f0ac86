import { isIP } from 'node:net';

/** One place of a target. Units: `host` without brackets. */
export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** A gRPC target, taken apart. */
export type Target =
  | { readonly kind: 'tcp'; readonly places: readonly [HostPort, ...HostPort[]] }
  | { readonly kind: 'unix'; readonly path: string };

/** What grpc-js takes where a target names no port. */
const DEFAULT_PORT = 443;

function parsePlace(text: string): HostPort | undefined {
  if (isIP(text) === 6) return { host: text, port: DEFAULT_PORT };
  const match = /^(\[[^\]]+\]|[^:[\]/]+)(?::(\d{1,5}))?$/.exec(text);
  if (match?.[1] === undefined) return undefined;
  const port = match[2] === undefined ? DEFAULT_PORT : Number(match[2]);
  return port > 65_535 ? undefined : { host: match[1].replace(/^\[|\]$/g, ''), port };
}

/**
 * Take a target apart: `host:port`, IPv6 in brackets, and the schemes `dns:`, `ipv4:`, `ipv6:` and `unix:`.
 *
 * Guarantees: undefined for what is none of these.
 * Source: gRPC Name Resolution.
 */
export function parseTarget(target: string): Target | undefined {
  const unix = /^unix:(?:\/\/)?(.+)$/.exec(target)?.[1];
  if (unix !== undefined) return { kind: 'unix', path: unix };
  const [, list] = /^ipv[46]:(.+)$/.exec(target) ?? [];
  const texts = list === undefined ? [target.replace(/^dns:(?:\/\/[^/]*\/)?/, '')] : list.split(',');
  const places: HostPort[] = [];
  for (const text of texts) {
    const place = parsePlace(text);
    if (place === undefined) return undefined;
    places.push(place);
  }
  const [first, ...rest] = places;
  return first === undefined ? undefined : { kind: 'tcp', places: [first, ...rest] };
}
