import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { createAggregator } from '../../../../src/fl/aggregate/create-aggregator.ts';
import type { Tensor } from '../../../../src/fl/tensor/tensor.ts';
import { readStateDict, writeStateDict } from '../../../../src/fl/torch/state-dict-file.ts';
import { participantId } from '../../../../src/ids.ts';
import { silentLogger } from '../../../../src/logger.ts';

const folder = mkdtempSync(join(tmpdir(), 'mila-plain-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function float32(...values: readonly number[]): Tensor {
  return {
    dtype: 'float32',
    shape: [values.length],
    bytes: new Uint8Array(Float32Array.from(values).buffer),
  };
}

it('averages two updates and reports equal weights', async () => {
  await writeStateDict(join(folder, 'a.pt'), new Map([['w', float32(1, 2, 3)]]));
  await writeStateDict(join(folder, 'b.pt'), new Map([['w', float32(3, 2, 0)]]));
  const aggregator = await createAggregator(
    'mila.aggregators.PlainTorchAggregator',
    {},
    { logger: silentLogger },
  );
  const inputs = ['b', 'a'].map((name) => ({
    participant: participantId(name),
    path: join(folder, `${name}.pt`),
    samples: null,
  }));
  const report = await aggregator.aggregate(inputs, join(folder, 'out.agg'));
  expect([...report.weights]).toEqual([
    ['a', 0.5],
    ['b', 0.5],
  ]);
  expect(await readStateDict(join(folder, 'out.agg'))).toEqual(new Map([['w', float32(2, 2, 1.5)]]));
});
