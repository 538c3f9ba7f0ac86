import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { numberExecutor, Playground, SETTINGS } from '../support/federation.ts';
import { kmolClient, kmolServer } from '../support/kmol-peers.ts';

let playground: Playground;
beforeEach(async () => {
  playground = await Playground.open();
});
afterEach(() => playground.close());

it("serves kMoL's clients beside its own, in kMoL's layout", async () => {
  const settings = { ...SETTINGS, minimumClients: 3 };
  const [outcome, own, first, second] = await Promise.all([
    playground.server({ settings, layout: 'kmol' }),
    playground.client('own', { executor: numberExecutor(1) }),
    kmolClient(playground.shared, 'Python_A', 2),
    kmolClient(playground.shared, 'python_b', 3),
  ]);
  expect(outcome.ending?.kind).toBe('finished');
  expect(own.ending?.kind).toBe('finished');
  expect([first, second]).toEqual([
    [1, 2, 3],
    [1, 2, 3],
  ]);
  const run = join(playground.shared, outcome.run);
  expect((await readdir(run)).sort()).toEqual([
    'authentifications',
    'cfg.json',
    'heartbeats',
    'rounds',
    'server.settings.json',
    'server.status.json',
    'server_ended.txt',
  ]);
  expect(await readFile(join(run, 'rounds/round_4/server.agg'), 'utf8')).toBe('6');
});

it("takes part in a run of kMoL's server, and is not misled by its final model", async () => {
  const trained: number[] = [];
  const executor = numberExecutor(2, async ({ round, signal }) => {
    trained.push(round);
    // Training the final model would be a whole training for nothing; it must be given up.
    if (round === 3)
      await new Promise((_, reject) => {
        signal.addEventListener('abort', () => reject(new Error('stopped')), { once: true });
      });
  });
  const [run, first, second] = await Promise.all([
    kmolServer(playground.shared, 2, 2),
    playground.client('Site_A', { executor }),
    playground.client('site_b', { executor: numberExecutor(4), heartbeatFrequencyMs: 100_000 }),
  ]);
  expect(first.ending).toMatchObject({ kind: 'finished', finalRound: 3 });
  expect(second.ending?.kind).toBe('finished');
  expect(trained.slice(0, 2)).toEqual([1, 2]);
  const claim = await readFile(join(run, 'authentifications/Site_A_authentification.txt'), 'utf8');
  expect(claim).toBe('Authenticated - Token 23118091987');
  expect((await readdir(join(run, 'rounds/round_1'))).filter((name) => name.endsWith('.pt')).sort()).toEqual([
    'site_a.pt',
    'site_b.pt',
  ]);
  expect((await readdir(join(run, 'rounds/round_3'))).filter((name) => name === 'site_a.pt')).toEqual([]);
  expect(await readFile(join(run, 'heartbeats/Site_A_heartbeat.txt'), 'utf8')).toMatch(/^\d{10}\.\d+$/);
});

it("stops with kMoL's server, and says so by failing", async () => {
  const server = kmolServer(playground.shared, 1, 99).catch((error: unknown) => error);
  const client = playground.client('a', {
    onEvent: (event) => {
      if (event.event === 'uploaded' && event.round === 2)
        void playground.endRun('2026-05-06_07-08-09', 'Training stop by user');
    },
    executor: numberExecutor(1, async ({ round, signal }) => {
      if (round < 3) return;
      await new Promise((_, reject) => {
        signal.addEventListener('abort', () => reject(new Error('stopped')), { once: true });
      });
    }),
  });
  await expect(client).rejects.toMatchObject({ code: 'stopped', message: 'Training stop by user' });
  void server;
});
