import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { summariseHistory } from '../../src/fl/report/run-summary.ts';
import { numberExecutor, ONE_ROUND, Playground } from '../support/federation.ts';

let playground: Playground;
beforeEach(async () => {
  playground = await Playground.open();
});
afterEach(() => playground.close());

it('keeps a history of the run and a table of its metrics', async () => {
  const [outcome] = await Promise.all([playground.server({ settings: ONE_ROUND }), playground.client('a')]);
  const folder = join(playground.root, 'server-results', outcome.run);
  const lines = (await readFile(join(folder, 'history.jsonl'), 'utf8')).trim().split('\n');
  const events = lines.map((line) => (JSON.parse(line) as { event: string }).event);
  expect(events[0]).toBe('run-created');
  expect(events.at(-1)).toBe('ended');
  expect(await readFile(join(folder, 'metrics.csv'), 'utf8')).toMatch(
    /^round,participant,metric,value\n1,a,samples,10\n1,a,value,1\n1,a,weight,1\n1,server,value,1\n1,server,aggregation_seconds,[\d.e-]+\n$/,
  );
  const measured = (await readFile(join(folder, 'metrics.jsonl'), 'utf8')).trim().split('\n');
  expect(JSON.parse(measured[0] ?? '')).toMatchObject({
    round: 1,
    participant: 'a',
    metrics: { samples: 10 },
  });
  expect(summariseHistory(lines)).toMatchObject([
    { round: 1, weights: { a: 1 }, left_out: [], metrics: { value: 1 } },
  ]);
  const own = join(playground.root, 'client-a', outcome.run, 'a', 'metrics.csv');
  expect(await readFile(own, 'utf8')).toMatch(/1,self,training_seconds,/);
});

it('F1: what a client left out of its program’s report is told, and the update is delivered', async () => {
  const executor = {
    train: async (request: Parameters<ReturnType<typeof numberExecutor>['train']>[0]) => ({
      ...(await numberExecutor(1).train(request)),
      omissions: ['auc is NaN: left out'],
    }),
    evaluate: async () => ({}),
  };
  const [outcome] = await Promise.all([
    playground.server({ settings: ONE_ROUND }),
    playground.client('a', { executor }),
  ]);
  expect(outcome.ending?.kind).toBe('finished');
  expect(playground.events.filter(({ who, event }) => who === 'a' && event === 'trouble')).toMatchObject([
    { message: 'round 1: auc is NaN: left out' },
  ]);
});
