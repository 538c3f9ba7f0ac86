import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { GrpcSection } from '../../src/fl/config/grpc-section.ts';
import { numberExecutor, SETTINGS } from '../support/federation.ts';
import { FAST_CHANNEL, GrpcPlayground } from '../support/grpc-federation.ts';

let playground: GrpcPlayground;
beforeEach(async () => {
  playground = await GrpcPlayground.open();
});
afterEach(() => playground.close());

it('runs three rounds between a server and two connected clients, and everybody gets the final model', async () => {
  const server = await playground.server();
  const [outcome, first, second] = await Promise.all([
    server.outcome,
    playground.client(server.target, 'Lab_A', { executor: numberExecutor(1) }),
    playground.client(server.target, 'lab_b', { executor: numberExecutor(3) }),
  ]);
  expect(outcome.ending?.kind).toBe('finished');
  expect([first.ending, second.ending]).toMatchObject([
    { kind: 'finished', finalRound: 4 },
    { kind: 'finished', finalRound: 4 },
  ]);
  const ended = playground.ground.events.filter(({ event }) => event === 'ended');
  expect(ended).toHaveLength(3);
  for (const event of ended)
    if ('final_model' in event) expect(await readFile(event.final_model ?? '', 'utf8')).toBe('6');
  const run = join(playground.runs, outcome.run);
  expect((await readdir(join(run, 'rounds', 'round_2'))).sort()).toEqual([
    'lab_a.meta.json',
    'lab_a.pt',
    'lab_b.meta.json',
    'lab_b.pt',
    'server.agg',
    'server.meta.json',
  ]);
  expect(JSON.parse(await readFile(join(run, 'rounds', 'round_2', 'lab_b.meta.json'), 'utf8'))).toMatchObject(
    {
      round: 2,
      samples: 30,
    },
  );
  // Tokens are nobody else's business.
  const seats = join(playground.ground.root, 'server-results', outcome.run, 'grpc.seats.json');
  expect((await stat(seats)).mode & 0o077).toBe(0);
});

it('tells a client that compresses what it sends to stop that, and takes the others', async () => {
  const server = await playground.server({ settings: { ...SETTINGS, minimumClients: 1 } });
  const gzip = 2;
  const section: GrpcSection = {
    ...FAST_CHANNEL,
    options: [...FAST_CHANNEL.options, ['grpc.default_compression_algorithm', gzip]],
  };
  await expect(playground.client(server.target, 'a', { section })).rejects.toMatchObject({
    name: 'ConfigError',
    code: 'compression-refused',
    hint: expect.stringContaining('grpc.default_compression_algorithm'),
  });
  const [outcome] = await Promise.all([
    server.outcome,
    playground.client(server.target, 'b', { executor: numberExecutor(3) }),
  ]);
  expect(await readFile(outcome.finalModel ?? '', 'utf8')).toBe('9');
});
