import type { PeerCertificate } from 'node:tls';
import { nameProblem, participantKey } from '../../round/run-folder.ts';

/** Who decides what a client may be called: its certificate, or whoever comes first. */
export type NamePolicy = 'certificate' | 'any';

/** The longest text of a certificate that is shown to people. Units: characters. */
const SHOWN_MAX = 64;

/**
 * The names that a client's certificate was made for: its common name, and the DNS names beside it.
 *
 * Guarantees: a DNS name that Node had to quote, because somebody put a separator into it, is none.
 */
export function certificateNames(certificate: PeerCertificate): readonly string[] {
  // Node gives a list where a subject has several, and types know of one only.
  const common: unknown = certificate.subject?.CN;
  const names = Array.isArray(common) ? common : [common];
  const others = (certificate.subjectaltname ?? '')
    .split(', ')
    .map((each) => /^DNS:([^"]+)$/.exec(each)?.[1]);
  return [...names, ...others]
    .filter((name): name is string => typeof name === 'string' && name !== '')
    .map((name) => name.normalize('NFC'));
}

/** Why a certificate does not allow a name; undefined when it does. Guarantees: case counts as it does among names. */
export function certificateProblem(names: readonly string[], name: string): string | undefined {
  const key = participantKey(name);
  const own = names.filter((each) => nameProblem(each) === undefined);
  if (own.some((each) => participantKey(each) === key)) return undefined;
  if (own.length > 0)
    return `The certificate of this client is for the name ${own.slice(0, 3).join(' or ')}, not for ${name}.`;
  const shown = names[0] === undefined ? 'nobody' : JSON.stringify(names[0].slice(0, SHOWN_MAX));
  return `The certificate of this client is for ${shown}, which is no participant's name; with certificates of another kind the server sets "names": "any" in grpc_configuration.`;
}
