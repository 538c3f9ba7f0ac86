import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { systemClock } from '../../../../src/clock.ts';
import { silentLogger } from '../../../../src/logger.ts';
import { seededRandom } from '../../../../src/random.ts';
import { Dispatchers } from '../../../../src/sync/box/dispatchers.ts';
import { Pacer } from '../../../../src/sync/box/pacer.ts';
import { Transport, type TransportDeps } from '../../../../src/sync/box/transport.ts';
import type { RemoteCall } from '../../../../src/sync/remote/remote-store.ts';

export interface Received {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

export type Reply = (request: Received, response: ServerResponse, raw: IncomingMessage) => void;

/** A server that answers each request by the next reply, the last one for ever. */
export async function rawServer(replies: readonly Reply[]) {
  const received: Received[] = [];
  const server = createServer((raw, response) => {
    const parts: Buffer[] = [];
    raw.on('data', (chunk: Buffer) => parts.push(chunk));
    raw.on('error', () => {});
    raw.on('end', () => {
      const request = {
        method: raw.method ?? '',
        path: raw.url ?? '',
        headers: raw.headers,
        body: Buffer.concat(parts),
      };
      const reply = replies[Math.min(received.length, replies.length - 1)];
      received.push(request);
      reply?.(request, response, raw);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    received,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export const json =
  (status: number, body: unknown, headers: Record<string, string> = {}): Reply =>
  (_request, response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
  };

/** A transport with short waits, its calls written down. */
export function testTransport(overrides: Partial<TransportDeps> = {}) {
  const clock = overrides.clock ?? systemClock();
  const calls: RemoteCall[] = [];
  const dispatchers = new Dispatchers();
  const transport = new Transport({
    dispatchers,
    clock,
    random: seededRandom(1),
    logger: silentLogger,
    pacer: new Pacer(clock),
    retryPolicy: { attemptsMax: 4, baseMs: 2, capMs: 10, waitTotalMaxMs: 5_000 },
    timeouts: { headersMs: 500, idleMs: 300 },
    ledger: (call) => calls.push(call),
    ...overrides,
  });
  return { transport, calls, clock, dispatchers };
}
