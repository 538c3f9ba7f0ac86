import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ConfigError, errnoOf, TransientError } from '../../../errors.ts';

/** Connections above this number are closed at once. */
const CONNECTIONS_MAX = 8192;
const HEADER_MAX_BYTES = 32 * 1024;
const HEADERS_TIMEOUT_MS = 60_000;
const KEEP_ALIVE_MS = 30_000;
/** A connection on which nothing moves for so long is given up; longer than any long poll is held. */
const SILENCE_MAX_MS = 4_000_000;

/** An HTTP server that listens. */
export interface Listener {
  readonly port: number;
  close(): Promise<void>;
}

/** Listen on `host`:`port`. Errors: ConfigError when the address is taken or not ours. */
export async function listen(
  host: string,
  port: number,
  handle: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<Listener> {
  const server = createServer(
    {
      maxHeaderSize: HEADER_MAX_BYTES,
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: 0,
      keepAliveTimeout: KEEP_ALIVE_MS,
    },
    handle,
  );
  server.maxConnections = CONNECTIONS_MAX;
  server.timeout = SILENCE_MAX_MS;
  server.on('checkContinue', (request, response) => {
    response.writeContinue();
    handle(request, response);
  });
  // What is no HTTP gets a plain 400 and the door.
  server.on('clientError', (_error, socket) => {
    if (socket.writable)
      socket.end('HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n');
    else socket.destroy();
  });
  await started(server, host, port);
  return { port: (server.address() as AddressInfo).port, close: () => stop(server) };
}

function started(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause) => {
      const code = errnoOf(cause);
      const message = `cannot listen on ${host}:${port} (${code ?? cause.message})`;
      if (code === 'EADDRINUSE' || code === 'EACCES' || code === 'EADDRNOTAVAIL')
        reject(
          new ConfigError({
            code: 'listen-failed',
            message,
            hint: 'choose another --port (0 takes any free one)',
            cause,
          }),
        );
      else reject(new TransientError({ code: 'listen-failed', message, cause }));
    });
    server.listen(port, host, 1024, resolve);
  });
}

function stop(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
