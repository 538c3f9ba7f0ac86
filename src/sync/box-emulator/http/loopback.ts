import type { IncomingMessage } from 'node:http';

const LOCAL_ADDRESS = /^(::1|(::ffff:)?127(\.\d{1,3}){3})$/;
const LOCAL_HOST = /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?$/i;

/**
 * Whether a request comes from a program on this machine that meant this machine.
 *
 * A browser's page from elsewhere is turned away, too: its Host or Origin names another place.
 */
export function isLocal(request: IncomingMessage): boolean {
  const origin = request.headers.origin;
  const originHost = origin === undefined ? undefined : origin.replace(/^https?:\/\//, '');
  return (
    LOCAL_ADDRESS.test(request.socket.remoteAddress ?? '') &&
    LOCAL_HOST.test(request.headers.host ?? 'localhost') &&
    (originHost === undefined || LOCAL_HOST.test(originHost))
  );
}
