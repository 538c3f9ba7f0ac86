import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openAggregator } from '../../src/cli/aggregator-factory.ts';
import { systemClock } from '../../src/clock.ts';
import { createAggregator } from '../../src/fl/aggregate/create-aggregator.ts';
import { parseServerConfiguration } from '../../src/fl/config/server-configuration.ts';
import type { Executor } from '../../src/fl/executor/executor.ts';
import { readStateDict, writeStateDict } from '../../src/fl/torch/state-dict-file.ts';
import { participantId } from '../../src/ids.ts';
import { silentLogger } from '../../src/logger.ts';
import { numberExecutor, Playground, SETTINGS } from '../support/federation.ts';

let playground: Playground;
beforeEach(async () => {
  playground = await Playground.open();
});
afterEach(() => playground.close());

/** Delivers a model of one parameter. */
function modelExecutor(...values: readonly number[]): Executor {
  return {
    async train({ outputDirectory }) {
      const checkpointPath = join(outputDirectory, 'model.pt');
      const bytes = new Uint8Array(Float32Array.from(values).buffer);
      await writeStateDict(
        checkpointPath,
        new Map([['w', { dtype: 'float32', shape: [values.length], bytes }]]),
      );
      return { checkpointPath, samples: 10, metrics: {} };
    },
    evaluate: async () => ({}),
  };
}

async function oneRound(
  type: string,
  options: Readonly<Record<string, unknown>>,
  models: Readonly<Record<string, readonly number[]>>,
) {
  const aggregator = await createAggregator(type, options, { logger: silentLogger });
  const count = Object.keys(models).length;
  const settings = { ...SETTINGS, minimumClients: count, clientWaitTimeMs: 0, roundsCount: 1 };
  const [outcome] = await Promise.all([
    playground.server({ settings, aggregator }),
    ...Object.entries(models).map(([name, values]) =>
      playground.client(name, { executor: modelExecutor(...values) }),
    ),
  ]);
  const rounds = join(playground.shared, outcome.run, 'rounds');
  const final = await readStateDict(join(rounds, 'round_2', 'server.agg'));
  return {
    w: [...new Float32Array(new Uint8Array(final.get('w')?.bytes ?? []).buffer)],
    read: async (file: string) => JSON.parse(await readFile(join(rounds, 'round_1', file), 'utf8')),
    aggregated: playground.events.find(({ event }) => event === 'aggregated'),
  };
}

it('leaves out an update that is not finite, with the reason in a file beside it', async () => {
  const { w, read, aggregated } = await oneRound('plain', {}, { a: [1], b: [3], sick: [Number.NaN] });
  expect(w).toEqual([2]);
  expect(await read('sick.refused.json')).toMatchObject({
    round: 1,
    participant: 'sick',
    reason: 'not-finite',
    tensor: 'w',
  });
  expect(aggregated).toMatchObject({ refused: [{ participant: 'sick', reason: 'not-finite' }] });
});

it('tells everybody who looks that weights were scaled over those who took part', async () => {
  const weights = { a: 0.6, b: 0.2, away: 0.2 };
  const { w, read, aggregated } = await oneRound('weighted', { weights }, { a: [1], b: [5] });
  expect(w[0]).toBeCloseTo(2, 6);
  expect(aggregated).toMatchObject({ notes: [expect.stringMatching(/weights .* sum to 0\.8, not 1/)] });
  expect(await read('server.meta.json')).toMatchObject({ notes: [expect.stringMatching(/sum to 0\.8/)] });
});

it.each([
  [{ scheduler: { type: 'OneCycleLR', epochs: 200 }, epochs: 10 }, 1],
  [{ scheduler: { type: 'OneCycleLR', epochs: 10 }, epochs: 10 }, 0],
  [{ scheduler: { type: 'StepLR' }, epochs: 10 }, 0],
])('warns once of a learning-rate schedule that no round ever gets through: %j', async (task, warnings) => {
  const settings = { ...SETTINGS, minimumClients: 1, clientWaitTimeMs: 0, roundsCount: 2 };
  await Promise.all([
    playground.server({ settings }),
    playground.client('a', { executor: numberExecutor(1), modelOverwrites: task }),
  ]);
  const told = playground.events.flatMap((event) => (event.event === 'task-oddity' ? [event.message] : []));
  expect(told).toHaveLength(warnings);
  for (const message of told) expect(message).toMatch(/spans 200 epochs, but a round trains 10/);
});

it('weighs updates by validation data of their own where config_path names it, never by the task’s test data', async () => {
  const { root } = playground;
  const validation = join(root, 'validation.json');
  await writeFile(validation, '{"score": 3}');
  const evaluation = `const fs = require('fs'); const [config, result] = process.argv.slice(1);
    const { score, checkpoint_path } = JSON.parse(fs.readFileSync(config, 'utf8'));
    fs.writeFileSync(result, JSON.stringify({ metrics: { score, ran: checkpoint_path.length } }));`;
  const { configuration } = parseServerConfiguration(
    {
      server_type: 'mila.services.servers.BoxServer',
      box_configuration: { shared_dir_name: 'shared', save_path: 'run' },
      task_configuration_file: join(root, 'task.json'),
      save_path: join(root, 'server'),
      aggregator_type: 'mila.aggregators.BenchmarkedTorchAggregator',
      aggregator_options: { target_metric: 'score', config_path: validation },
      executor_type: 'mila.executors.Command',
      executor_options: {
        command: ['true'],
        evaluate_command: [process.execPath, '-e', evaluation, '--', '{config}', '{result}'],
      },
    },
    'server.json',
  );
  const signal = new AbortController().signal;
  const aggregator = await openAggregator(configuration, {
    clock: systemClock(),
    logger: silentLogger,
    signal,
  });
  const bytes = new Uint8Array(Float32Array.of(1).buffer);
  const inputs = ['a', 'b'].map((name) => ({
    participant: participantId(name),
    path: join(root, `${name}.pt`),
    samples: null,
  }));
  for (const { path } of inputs)
    await writeStateDict(path, new Map([['w', { dtype: 'float32', shape: [1], bytes }]]));
  const report = await aggregator.aggregate(inputs, join(root, 'server.agg'));
  expect(report.notes).toEqual(['score: a 3, b 3']);
});
