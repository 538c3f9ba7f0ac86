import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { CorruptError } from '../../../../../src/errors.ts';
import {
  mnistDirectory,
  normalised,
  readDigits,
  readLabels,
  readSomeDigits,
} from '../../../../../src/fl/executor/mnist/digits.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'digits-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

it('finds all of MNIST', async () => {
  const test = await readDigits(mnistDirectory(), 'test');
  expect(test.count).toBe(10_000);
  expect([...test.labels.subarray(0, 5)]).toEqual([7, 2, 1, 0, 4]);
  expect(await readLabels(mnistDirectory(), 'train')).toHaveLength(60_000);
});

it('reads chosen digits as they stand among all', async () => {
  const all = await readDigits(mnistDirectory(), 'test');
  const some = await readSomeDigits(mnistDirectory(), 'test', Uint32Array.of(0, 1, 2, 77, 9_999));
  expect([...some.labels]).toEqual([0, 1, 2, 77, 9_999].map((index) => all.labels[index]));
  expect(some.pixels.subarray(3 * 784, 4 * 784)).toEqual(all.pixels.subarray(77 * 784, 78 * 784));
});

it('reads the same digits from compressed files', async () => {
  for (const name of ['t10k-images-idx3-ubyte', 't10k-labels-idx1-ubyte'])
    await writeFile(
      join(folder, `${name}.gz`),
      gzipSync(await readFile(join(mnistDirectory(), name)), { level: 1 }),
    );
  const wanted = Uint32Array.of(0, 5, 9_999);
  expect(await readSomeDigits(folder, 'test', wanted)).toEqual(
    await readSomeDigits(mnistDirectory(), 'test', wanted),
  );
});

it('refuses a compressed file that is cut off', async () => {
  const packed = gzipSync(Uint8Array.from([0, 0, 8, 1, 0, 0, 0, 1, 5]));
  await writeFile(join(folder, 't10k-labels-idx1-ubyte.gz'), packed.subarray(0, packed.length - 4));
  await expect(readLabels(folder, 'test')).rejects.toThrow(CorruptError);
});

it('refuses a compressed file that unpacks to more than any file of digits', async () => {
  await writeFile(
    join(folder, 't10k-labels-idx1-ubyte.gz'),
    gzipSync(Buffer.alloc(2 ** 26 + 1), { level: 1 }),
  );
  await expect(readLabels(folder, 'test')).rejects.toThrow(CorruptError);
});

it('brings pixels to mean 0 and deviation 1', async () => {
  const values = normalised((await readDigits(mnistDirectory(), 'test')).pixels);
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  expect(Math.abs(mean)).toBeLessThan(0.02);
});

it.each([
  ['another magic number', [0, 0, 9, 1, 0, 0, 0, 1, 5]],
  ['a header that is cut off', [0, 0, 8, 1, 0]],
  ['fewer items than declared', [0, 0, 8, 1, 0, 0, 0, 9, 5]],
  ['a count beyond all reason', [0, 0, 8, 1, 255, 255, 255, 255, 5]],
  ['a label above nine', [0, 0, 8, 1, 0, 0, 0, 1, 10]],
])('refuses a file with %s', async (_, bytes) => {
  await writeFile(join(folder, 't10k-labels-idx1-ubyte'), Uint8Array.from(bytes));
  await expect(readLabels(folder, 'test')).rejects.toThrow(CorruptError);
});
