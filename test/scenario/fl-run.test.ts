import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { numberExecutor, Playground } from '../support/federation.ts';

let playground: Playground;
beforeEach(async () => {
  playground = await Playground.open();
});
afterEach(() => playground.close());

it('runs three rounds between a server and two clients and leaves the documented run folder', async () => {
  const [outcome, first, second] = await Promise.all([
    playground.server(),
    playground.client('Lab_A', { executor: numberExecutor(1) }),
    playground.client('lab_b', { executor: numberExecutor(3) }),
  ]);
  expect(outcome.ending?.kind).toBe('finished');
  expect([first.ending?.kind, second.ending?.kind]).toEqual(['finished', 'finished']);
  const run = join(playground.shared, outcome.run);
  const text = (path: string) => readFile(join(run, path), 'utf8');
  expect((await readdir(run)).sort()).toEqual([
    'authentications',
    'cfg.json',
    'heartbeats',
    'rounds',
    'server.settings.json',
    'server.status.json',
    'server_ended.txt',
  ]);
  expect(await text('cfg.json')).toBe('{"model": {"type": "number"}, "epochs": 3}\n');
  expect(await text('authentications/Lab_A_authentication.txt')).toMatch(/^Authenticated - Token \d{11}$/);
  expect(await text('heartbeats/Lab_A_heartbeat.txt')).toMatch(/^\d{10}\.\d{1,7}$/);
  expect(await text('server_ended.txt')).toMatch(/^Training finished \d{10}\.\d{1,7}$/);
  expect(await text('rounds/round_1/no_starting_model.info')).toBe('');
  expect((await readdir(join(run, 'rounds', 'round_2'))).sort()).toEqual([
    'lab_a.meta.json',
    'lab_a.pt',
    'lab_b.meta.json',
    'lab_b.pt',
    'server.agg',
    'server.meta.json',
  ]);
  expect((await readdir(join(run, 'rounds', 'round_4'))).sort()).toEqual(['server.agg']);
  expect(await text('rounds/round_4/server.agg')).toBe('6');
  expect(JSON.parse(await text('rounds/round_2/lab_b.meta.json'))).toMatchObject({ round: 2, samples: 30 });
});
