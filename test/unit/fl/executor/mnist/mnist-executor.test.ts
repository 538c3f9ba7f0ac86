import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { systemClock } from '../../../../../src/clock.ts';
import { ConfigError, CorruptError, RoundError } from '../../../../../src/errors.ts';
import type { TrainingRequest } from '../../../../../src/fl/executor/executor.ts';
import { MnistExecutor } from '../../../../../src/fl/executor/mnist/mnist-executor.ts';
import { readStateDict, writeStateDict } from '../../../../../src/fl/torch/state-dict-file.ts';

const threadUrl = new URL('../../../../support/training-thread.mjs', import.meta.url);
const executor = new MnistExecutor({ clock: systemClock(), threadUrl });

// Real training in threads of their own, on a machine that may be busy with other tests.
vi.setConfig({ testTimeout: 120_000 });

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mnist-executor-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

function request(overwrites: Record<string, unknown>, more: Partial<TrainingRequest> = {}): TrainingRequest {
  return {
    configuration: {
      dataset: 'mnist',
      partition: { clients: 3, by: 'label', samples: 1500 },
      epochs: 1,
      learning_rate: 0.05,
      ...overwrites,
    },
    configurationPath: join(folder, 'config.latest.json'),
    round: 1,
    participant: 'tester1',
    outputDirectory: folder,
    signal: new AbortController().signal,
    ...more,
  };
}

it('trains on the digits of one client and leaves a checkpoint that it can judge and go on from', async () => {
  const fractions: number[] = [];
  const first = await executor.train(
    request({ partition_index: 1 }, { onProgress: (fraction) => fractions.push(fraction ?? -1) }),
  );
  expect(first.samples).toBeGreaterThan(300);
  expect(first.samples).toBeLessThan(700);
  expect(fractions.at(-1)).toBeGreaterThan(0.9);
  expect(fractions).toEqual(fractions.toSorted((left, right) => left - right));
  const state = await readStateDict(first.checkpointPath);
  expect([...state].map(([name, { dtype, shape }]) => [name, dtype, shape])).toEqual([
    ['fc1.weight', 'float32', [200, 784]],
    ['fc1.bias', 'float32', [200]],
    ['fc2.weight', 'float32', [200, 200]],
    ['fc2.bias', 'float32', [200]],
    ['fc3.weight', 'float32', [10, 200]],
    ['fc3.bias', 'float32', [10]],
  ]);
  const second = await executor.train(
    request({ partition_index: 0 }, { round: 2, startCheckpointPath: first.checkpointPath }),
  );
  const { signal } = new AbortController();
  const judged = await executor.evaluate({
    configuration: {},
    checkpointPath: second.checkpointPath,
    signal,
  });
  expect(judged['accuracy']).toBeGreaterThan(0.2);
  expect(judged['loss']).toBeGreaterThan(0);
});

it('gives the same bytes for the same request', async () => {
  const digest = async () => {
    const { checkpointPath } = await executor.train(request({}));
    return createHash('sha256')
      .update(await readFile(checkpointPath))
      .digest('hex');
  };
  expect(await digest()).toBe(await digest());
});

it('stops in the middle of training and leaves nothing behind', async () => {
  const controller = new AbortController();
  const training = executor.train(
    request({ epochs: 10_000 }, { signal: controller.signal, onProgress: () => controller.abort() }),
  );
  await expect(training).rejects.toThrow(RoundError);
  expect(await readdir(folder)).toEqual([]);
});

it('says that training diverged instead of uploading numbers that are none', async () => {
  await expect(executor.train(request({ learning_rate: 100 }))).rejects.toThrow(/diverged/);
});

it('refuses a start model of another shape, a damaged one, and a configuration that it cannot run', async () => {
  const other = join(folder, 'other.pt');
  await writeStateDict(
    other,
    new Map([['conv.weight', { dtype: 'float32', shape: [1], bytes: new Uint8Array(4) }]]),
  );
  await expect(executor.train(request({}, { startCheckpointPath: other }))).rejects.toThrow(ConfigError);
  const { signal } = new AbortController();
  const damaged = executor.evaluate({ configuration: {}, checkpointPath: import.meta.filename, signal });
  await expect(damaged).rejects.toThrow(CorruptError);
  await expect(executor.train(request({ partition_index: 3 }))).rejects.toThrow(/partition_index is 3/);
  await expect(executor.train(request({ dataset: 'cifar' }))).rejects.toThrow(/dataset/);
});
