import type { ServerInterceptingCallInterface } from '@grpc/grpc-js';
import { certificateNames } from './certificate-names.ts';
import { addressOf } from './peer-address.ts';
import type { Peer } from './seats.ts';

/** Who is at the other end of a call. */
export function peerOf(call: Pick<ServerInterceptingCallInterface, 'getPeer' | 'getAuthContext'>): Peer {
  const certificate = call.getAuthContext().sslPeerCertificate;
  return {
    address: addressOf(call.getPeer()),
    certificate: certificate?.fingerprint256 ?? null,
    names: certificate === undefined ? [] : certificateNames(certificate),
  };
}
