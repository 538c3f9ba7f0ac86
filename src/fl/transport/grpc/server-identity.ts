import { isIP } from 'node:net';
import type { PeerCertificate } from 'node:tls';
import { checkServerIdentity } from 'node:tls';
import type { ChannelOptions } from '@grpc/grpc-js';
import { parseTarget } from './target.ts';

/** How many of a certificate's names are shown. */
const SHOWN_MAX = 5;
/** The channel option that names another server than the target. */
const OVERRIDE = 'grpc.ssl_target_name_override';
/** Stands for an address where grpc-js wants a name: TLS has no way to ask for an address by name. */
const ADDRESS_SUFFIX = '.address.invalid';

function heldNames({ subject, subjectaltname }: PeerCertificate): string {
  const names = (subjectaltname ?? '')
    .split(', ')
    .flatMap((each) => /^(?:DNS|IP Address):(.+)$/.exec(each)?.[1] ?? []);
  const held = names.length > 0 ? names : [String(subject?.CN ?? 'nobody')];
  const more = held.length > SHOWN_MAX ? ` and ${held.length - SHOWN_MAX} more` : '';
  return `${held.slice(0, SHOWN_MAX).join(', ')}${more}`;
}

/** Why a server's certificate is not for a name or an address; undefined when it is. Names what it is for. */
export function identityError(expected: string, certificate: PeerCertificate): Error | undefined {
  const error = checkServerIdentity(expected, certificate);
  if (error === undefined) return undefined;
  error.message = `Hostname/IP does not match certificate's altnames: the server's certificate is for ${heldNames(certificate)}, not for ${expected}`;
  return error;
}

/** The name by which grpc-js asks for a bare address. */
function nameOfAddress(address: string): string | undefined {
  const isMixed = address.includes(':') && address.includes('.');
  return isIP(address) === 0 || isMixed || address.includes('%')
    ? undefined
    : `v${isIP(address)}-${address.replace(/[.:]/g, '-')}${ADDRESS_SUFFIX}`;
}

function addressOfName(name: string): string {
  const [, version, digits] = /^v([46])-(.+)\.address\.invalid$/.exec(name) ?? [];
  return digits === undefined ? name : digits.replace(/-/g, version === '4' ? '.' : ':');
}

/**
 * Channel options for a target that is a bare address.
 *
 * Guarantees: no address goes out as a server's name, which RFC 6066 forbids and Node warns of; to be used with
 * `checkIdentity`, which holds the certificate against the address all the same.
 */
export function addressOptions(target: string): ChannelOptions {
  const parsed = parseTarget(target);
  const name = parsed?.kind === 'tcp' ? nameOfAddress(parsed.places[0].host) : undefined;
  return name === undefined ? {} : { [OVERRIDE]: name };
}

/** Hold a server's certificate against the name, or the address, that a channel asked for. */
export function checkIdentity(expected: string, certificate: PeerCertificate): Error | undefined {
  return identityError(addressOfName(expected), certificate);
}
