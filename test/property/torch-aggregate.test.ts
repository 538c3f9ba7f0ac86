import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { afterAll, expect, it } from 'vitest';
import { createAggregator } from '../../src/fl/aggregate/create-aggregator.ts';
import { elementCount, type Tensor } from '../../src/fl/tensor/tensor.ts';
import { readStateDict, writeStateDict } from '../../src/fl/torch/state-dict-file.ts';
import { participantId } from '../../src/ids.ts';
import { silentLogger } from '../../src/logger.ts';
import { Federation, numbersOf } from '../unit/fl/aggregate/federation.ts';

const round = new Federation();
afterAll(() => round.remove());

/** Small values, so that rounding stays far below what is asserted, and equal ones are common. */
const value = fc.integer({ min: -8, max: 8 }).map((n) => n / 4);

/** A few updates of one form. */
const updates = fc
  .record({
    shape: fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 2 }),
    count: fc.integer({ min: 3, max: 6 }),
  })
  .chain(({ shape, count }) =>
    fc.array(
      fc.array(value, { minLength: elementCount(shape), maxLength: elementCount(shape) }).map(
        (values): Tensor => ({
          dtype: 'float32',
          shape,
          bytes: new Uint8Array(Float32Array.from(values).buffer),
        }),
      ),
      { minLength: count, maxLength: count },
    ),
  );

const SYMMETRIC = [
  'plain',
  'median',
  'trimmed-mean',
  'geometric-median',
  'multi-krum',
  'sample-weighted',
] as const;

async function aggregate(type: string, tensors: readonly Tensor[], names?: readonly string[]) {
  const inputs = [];
  for (const [index, tensor] of tensors.entries()) {
    const path = `${round.folder}/${index}.pt`;
    await writeStateDict(path, new Map([['w', tensor]]));
    inputs.push({ participant: participantId(names?.[index] ?? `p${index}`), path, samples: 10 });
  }
  const aggregator = await createAggregator(type, {}, { logger: silentLogger });
  await aggregator.aggregate(inputs, round.output);
  return {
    bytes: readFileSync(round.output),
    values: numbersOf((await readStateDict(round.output)).get('w')),
  };
}

for (const type of SYMMETRIC) {
  it(`does not depend on the order of arrival: ${type}`, async () => {
    await fc.assert(
      fc.asyncProperty(updates, async (tensors) => {
        const names = tensors.map((_, index) => `p${index}`);
        const forward = await aggregate(type, tensors, names);
        const backward = await aggregate(type, tensors.toReversed(), names.toReversed());
        expect(backward.bytes.equals(forward.bytes)).toBe(true);
      }),
      { numRuns: 15 },
    );
  });

  it(`leaves equal updates as they are: ${type}`, async () => {
    await fc.assert(
      fc.asyncProperty(updates, async (tensors) => {
        const [first] = tensors;
        const { values } = await aggregate(
          type,
          tensors.map(() => first!),
        );
        for (const [index, expected] of numbersOf(first).entries())
          expect(values[index]).toBeCloseTo(expected, 5);
      }),
      { numRuns: 15 },
    );
  });

  it(`stays between the smallest and the largest value of each element: ${type}`, async () => {
    await fc.assert(
      fc.asyncProperty(updates, async (tensors) => {
        const { values } = await aggregate(type, tensors);
        for (const [index, result] of values.entries()) {
          const column = tensors.map((tensor) => numbersOf(tensor)[index] ?? 0);
          expect(result).toBeGreaterThanOrEqual(Math.min(...column) - 1e-5);
          expect(result).toBeLessThanOrEqual(Math.max(...column) + 1e-5);
        }
      }),
      { numRuns: 15 },
    );
  });
}

it('does not depend on the scale of the weights', async () => {
  await fc.assert(
    fc.asyncProperty(updates, fc.constantFrom(2, 4, 0.5, 1024), async (tensors, scale) => {
      const inputs = tensors.map((_, index) => ({
        participant: participantId(`p${index}`),
        path: `${round.folder}/${index}.pt`,
        samples: null,
      }));
      for (const [index, tensor] of tensors.entries())
        await writeStateDict(inputs[index]?.path ?? '', new Map([['w', tensor]]));
      const results: Buffer[] = [];
      for (const factor of [1, scale]) {
        const weights = Object.fromEntries(
          inputs.map(({ participant }, index) => [participant, (index + 1) * factor]),
        );
        const aggregator = await createAggregator('weighted', { weights }, { logger: silentLogger });
        await aggregator.aggregate(inputs, round.output);
        results.push(readFileSync(round.output));
      }
      expect(results[1]?.equals(results[0] ?? Buffer.alloc(0))).toBe(true);
    }),
    { numRuns: 15 },
  );
});
