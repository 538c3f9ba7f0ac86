import type { ServerHttp2Session } from 'node:http2';
import { sessionOf } from './call-stream.ts';

/**
 * How much may be under way on a connection before the other side has said that it came. Units: bytes.
 *
 * HTTP/2 begins with 64 KiB: over 40 ms there and back that is 1.6 MB/s, whatever the line could carry.
 */
export const FLOW_WINDOW_BYTES = 4_194_304;

/**
 * Widens the connections that uploads come over: grpc-js has an option for it at the client's side alone.
 *
 * Guarantees: a connection is widened once; one that is closed meanwhile is left alone.
 */
export function createWindowOpener(): (call: object) => void {
  const widened = new WeakSet<ServerHttp2Session>();
  return (call) => {
    const session = sessionOf(call);
    if (session === undefined || session.closed || session.destroyed || widened.has(session)) return;
    widened.add(session);
    session.settings({ initialWindowSize: FLOW_WINDOW_BYTES });
    session.setLocalWindowSize(FLOW_WINDOW_BYTES);
  };
}
