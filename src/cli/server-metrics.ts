import { createServer } from 'node:http';
import { status } from '@grpc/grpc-js';
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { reasonOf, StateError } from '../errors.ts';
import type { FederationEvent } from '../fl/round/event.ts';

/** A server's numbers, for Prometheus. */
export interface ServerMetrics {
  /** Take an event into account. */
  observe(event: FederationEvent): void;
  /** Count a gRPC call. */
  call(method: string, code: status): void;
  /** The present numbers in Prometheus' text format. */
  text(): Promise<string>;
}

const CALLS = new Set(['Authenticate', 'Heartbeat', 'Close', 'RequestModel', 'SendCheckpoint']);

/** Only names that this service has become labels: a stranger's must not make new time series. */
function methodOf(path: string): string {
  const name = path.split('/').at(-1) ?? '';
  return path.startsWith('/mila.Mila/') && CALLS.has(name) ? name : 'other';
}

/** Make the numbers of one server process. */
export function createServerMetrics(): ServerMetrics {
  const registers = [new Registry()];
  const [registry] = registers as [Registry];
  collectDefaultMetrics({ register: registry });
  const gauge = (name: string, help: string) => new Gauge({ name, help, registers });
  const counter = <Label extends string>(name: string, help: string, labelNames: readonly Label[] = []) =>
    new Counter({ name, help, labelNames, registers });
  const round = gauge('mila_round', 'The round that was opened last.');
  const active = gauge('mila_participants_active', 'Participants that are there.');
  const updates = counter('mila_updates_total', "Participants' updates, by what became of them.", ['result']);
  const bytes = counter('mila_update_bytes_total', 'Bytes of usable updates.');
  const aggregated = counter('mila_aggregations_total', 'Rounds that were aggregated.');
  const seconds = gauge('mila_aggregation_seconds', 'How long the last aggregation took.');
  const calls = counter('mila_grpc_calls_total', 'gRPC calls, by method and status.', ['method', 'code']);
  return {
    observe(event) {
      switch (event.event) {
        case 'round-started':
          round.set(event.round);
          // A resumed server has nobody register: the round's own list is the truth.
          active.set(event.participants?.length ?? 0);
          break;
        case 'registered':
        case 'participant-back':
          active.inc();
          break;
        case 'participant-lost':
        case 'participant-left':
          active.dec();
          break;
        case 'update-received':
          updates.inc({ result: 'received' });
          bytes.inc(event.size_bytes);
          break;
        case 'update-refused':
        case 'update-late':
          updates.inc({ result: event.event === 'update-late' ? 'late' : 'refused' });
          break;
        case 'aggregated':
          aggregated.inc();
          seconds.set(event.seconds);
      }
    },
    call: (method, code) => calls.inc({ method: methodOf(method), code: status[code] ?? 'UNKNOWN' }),
    text: () => registry.metrics(),
  };
}

/**
 * Serve metrics to this machine. What fails while it serves is told to `onFailure`, and the serving goes on.
 *
 * Errors: StateError 'cannot-listen'.
 */
export async function serveMetrics(
  metrics: ServerMetrics,
  port: number,
  onFailure: (error: unknown) => void = () => {},
): Promise<{ close(): void }> {
  const server = createServer((request, response) => {
    if (request.url !== '/metrics') {
      response.writeHead(404).end();
      return;
    }
    metrics
      .text()
      .then((text) => response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4' }).end(text))
      .catch(() => response.writeHead(500).end());
  });
  await new Promise<void>((resolve, reject) => {
    const refuse = (cause: Error) =>
      reject(
        new StateError({
          code: 'cannot-listen',
          hint: 'Choose another --metrics-port.',
          message: `metrics cannot be served at port ${port}: ${reasonOf(cause)}`,
          cause,
        }),
      );
    server.once('error', refuse);
    // Numbers about the process are nobody else's: whoever wants them elsewhere puts a proxy before them.
    server.listen(port, '127.0.0.1', () => {
      server.off('error', refuse);
      resolve();
    });
  });
  server.on('error', onFailure);
  return {
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
