import { status } from '@grpc/grpc-js';
import { expect, it } from 'vitest';
import { createServerMetrics, serveMetrics } from '../../../src/cli/server-metrics.ts';

it('counts what a server did, and makes no time series for what strangers call', async () => {
  const metrics = createServerMetrics();
  const who = { participant: 'a', round: 2 };
  metrics.observe({ event: 'round-started', round: 2, rounds: 3, participants: ['a', 'b', 'c'] });
  metrics.observe({ event: 'update-received', ...who, samples: 1, metrics: {}, size_bytes: 250 });
  metrics.observe({ event: 'update-refused', ...who, reason: 'malformed', message: '' });
  metrics.observe({ event: 'participant-lost', ...who });
  metrics.observe({ event: 'aggregated', round: 2, weights: {}, refused: [], seconds: 1.5 });
  metrics.call('/mila.Mila/Heartbeat', status.OK);
  metrics.call('/mila.Mila/Heartbeat', status.PERMISSION_DENIED);
  metrics.call('/any.Thing/at-all', status.UNIMPLEMENTED);
  const lines = (await metrics.text()).split('\n').filter((line) => line.startsWith('mila_'));
  expect(lines).toEqual([
    'mila_round 2',
    'mila_participants_active 2',
    'mila_updates_total{result="received"} 1',
    'mila_updates_total{result="refused"} 1',
    'mila_update_bytes_total 250',
    'mila_aggregations_total 1',
    'mila_aggregation_seconds 1.5',
    'mila_grpc_calls_total{method="Heartbeat",code="OK"} 1',
    'mila_grpc_calls_total{method="Heartbeat",code="PERMISSION_DENIED"} 1',
    'mila_grpc_calls_total{method="other",code="UNIMPLEMENTED"} 1',
  ]);
});

it('serves the numbers, and says when the port is taken', async () => {
  const metrics = createServerMetrics();
  const port = 20_000 + (process.pid % 20_000);
  const endpoint = await serveMetrics(metrics, port);
  try {
    const answer = await fetch(`http://127.0.0.1:${port}/metrics`);
    expect(answer.headers.get('content-type')).toContain('text/plain');
    expect(await answer.text()).toContain('process_cpu_seconds_total');
    expect((await fetch(`http://127.0.0.1:${port}/else`)).status).toBe(404);
    await expect(serveMetrics(metrics, port)).rejects.toMatchObject({ code: 'cannot-listen' });
  } finally {
    endpoint.close();
  }
});
