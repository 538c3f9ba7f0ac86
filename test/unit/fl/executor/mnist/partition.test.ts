import { expect, it } from 'vitest';
import { mnistDirectory, readLabels } from '../../../../../src/fl/executor/mnist/digits.ts';
import { partitionIndices } from '../../../../../src/fl/executor/mnist/partition.ts';

const labels = await readLabels(mnistDirectory(), 'train');
const partition = { clients: 3, samples: 9_000, skew: 0.8, seed: 1 };
const parts = [0, 1, 2].map((client) => partitionIndices(labels, partition, client));

it('gives every client digits of its own, all of them together', () => {
  const all = parts.flatMap((part) => [...part]);
  expect(all).toHaveLength(9_000);
  expect(new Set(all).size).toBe(9_000);
  for (const part of parts) expect([...part]).toEqual([...part].sort((left, right) => left - right));
});

it('divides unevenly by label', () => {
  for (const [client, part] of parts.entries()) {
    const own = part.filter((index) => (labels[index] ?? 0) % 3 === client).length / part.length;
    expect(own).toBeGreaterThan(0.75);
    expect(own).toBeLessThan(1);
  }
});

it('gives each label to its owners only when fully skewed, also beyond ten clients', () => {
  for (const client of [0, 9, 10, 11]) {
    const part = partitionIndices(labels, { clients: 12, samples: 5_000, skew: 1, seed: 3 }, client);
    expect(part.length).toBeGreaterThan(100);
    expect(part.every((index) => labels[index] === client % 10)).toBe(true);
  }
});

it('depends on the seed and on nothing else', () => {
  expect(partitionIndices(labels, partition, 1)).toEqual(parts[1]);
  expect(partitionIndices(labels, { ...partition, seed: 2 }, 1)).not.toEqual(parts[1]);
});
