import { createServer } from 'node:http';
import { Counter, Gauge, Registry } from 'prom-client';
import { messageOf } from '../errors.ts';
import type { MountLayout } from '../sync/local/mirror-root.ts';
import { askMount } from '../sync/mount/ask-mount.ts';
import type { MountStatus } from '../sync/mount/mount-status.ts';
import { LOOPBACK, listenOnLoopback } from './loopback.ts';
import type { Output } from './output.ts';

/** A mount's figures as Prometheus reads them. */
export async function metricsText(status: MountStatus): Promise<string> {
  const registers = [new Registry()];
  const gauge = (name: string, help: string, value: number) =>
    new Gauge({ name: `mila_sync_${name}`, help, registers }).set(value);
  const family = (name: string, help: string, label: string, values: Readonly<Record<string, number>>) => {
    const each = new Gauge({ name: `mila_sync_${name}`, help, labelNames: [label], registers });
    for (const [key, value] of Object.entries(values)) each.set({ [label]: key }, value);
  };
  family('state', 'The state that the mount is in', 'state', { [status.state]: 1 });
  family('entries', 'Entries known', 'tree', status.entries);
  family('queue', 'Operations waiting and running', 'lane', status.queue);
  family('api_calls_this_hour', 'Calls to Box in this hour', 'endpoint', status.apiCalls.byEndpoint);
  gauge('problems', 'Entries that cannot be mirrored as they are', status.problems.length);
  gauge('waiting', 'Entries that failed and are tried again', status.waiting.length);
  gauge('conflicts', 'Conflict copies that still stand', status.conflicts);
  gauge('held_deletions', 'Deletions that wait for a person', status.held?.count ?? 0);
  gauge(
    'last_change_timestamp_seconds',
    'When something was last moved',
    (status.lastChangeAtMs ?? 0) / 1000,
  );
  const bytes = new Counter({
    name: 'mila_sync_bytes_total',
    help: 'Content bytes moved since the start',
    labelNames: ['direction'],
    registers,
  });
  for (const direction of ['up', 'down'] as const) bytes.inc({ direction }, status.bytes[direction]);
  new Counter({
    name: 'mila_sync_api_calls_total',
    help: 'Calls to Box since the start',
    registers,
  }).inc(status.apiCalls.sinceStart);
  return (registers[0] ?? new Registry()).metrics();
}

/** Ends serving; idempotent. */
export interface MetricsServer {
  close(): Promise<void>;
}

interface MetricsOptions {
  readonly port: number;
  readonly layout: MountLayout;
  readonly output: Output;
  /** Told what fails while it serves; the serving goes on. */
  readonly onFailure: (error: unknown) => void;
}

/**
 * Serve a mount's figures to this machine.
 *
 * Errors: StateError 'port-taken'.
 */
export async function serveMetrics({
  port,
  layout,
  output,
  onFailure,
}: MetricsOptions): Promise<MetricsServer> {
  const server = createServer((request, response) => {
    if (request.method !== 'GET' || request.url !== '/metrics') {
      response.writeHead(404, { 'content-type': 'text/plain' }).end('see /metrics\n');
      return;
    }
    // What answers is this same process; its answer needs no second description here.
    askMount(layout, { command: 'status' })
      .then((status) => metricsText(status as MountStatus))
      .then(
        (text) => response.writeHead(200, { 'content-type': Registry.PROMETHEUS_CONTENT_TYPE }).end(text),
        (error: unknown) =>
          response.writeHead(503, { 'content-type': 'text/plain' }).end(`${messageOf(error)}\n`),
      );
  });
  const bound = await listenOnLoopback(server, port, '--metrics-port');
  // Such as no file descriptor for a new connection.
  server.on('error', onFailure);
  if (output.json) output.document({ event: 'metrics', url: `http://${LOOPBACK}:${bound}/metrics` });
  else output.note(`figures at http://${LOOPBACK}:${bound}/metrics`);
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
