import { CorruptError } from '../../../errors.ts';
import { type ByteSource, openBytes } from './byte-source.ts';

/** Largest number of items that an IDX header may claim; real MNIST has 60,000. */
const ITEMS_MAX = 1_000_000;
/** Largest item: a picture of 1024 x 1024 bytes. */
const ITEM_BYTES_MAX = 1_048_576;
/** Element type 0x08 of an IDX file: unsigned byte. */
const UNSIGNED_BYTE = 0x08;

function corrupt(path: string, offset: number, expected: string, actual: string): CorruptError {
  return new CorruptError({
    code: 'idx-malformed',
    message: `${path} is not the IDX file it should be: at byte ${offset} expected ${expected}, found ${actual}`,
    data: { path, offset, expected, actual },
  });
}

async function readFully(
  source: ByteSource,
  target: Uint8Array,
  position: number,
  path: string,
): Promise<void> {
  const bytesRead = await source.read(target, position);
  if (bytesRead !== target.length)
    throw corrupt(
      path,
      position + bytesRead,
      `${target.length - bytesRead} more bytes`,
      'the end of the file',
    );
}

/** Ascending runs of neighbouring numbers, so that each run is one read. */
function* runsOf(indices: Uint32Array): Generator<{ start: number; count: number }> {
  let start = 0;
  while (start < indices.length) {
    let count = 1;
    while (start + count < indices.length && indices[start + count] === (indices[start] ?? 0) + count)
      count += 1;
    yield { start, count };
    start += count;
  }
}

/**
 * Random access to a file of equally sized byte items, as MNIST publishes its pictures and labels.
 *
 * Layout: 2 zero bytes; element type (1 byte, 0x08); number of dimensions (1 byte); each dimension as a
 * big-endian 32-bit integer, the first being the number of items; then the items, row-major.
 * Source: Y. LeCun, "The MNIST database", file format section.
 */
export class IdxFile {
  /** Sizes of one item: empty for labels, rows and columns for pictures. */
  readonly itemShape: readonly number[];
  readonly count: number;
  readonly itemBytes: number;
  readonly #path: string;
  readonly #source: ByteSource;
  readonly #dataOffset: number;

  private constructor(path: string, source: ByteSource, dimensions: readonly number[]) {
    this.#path = path;
    this.#source = source;
    this.#dataOffset = 4 + 4 * dimensions.length;
    this.count = dimensions[0] ?? 0;
    this.itemShape = dimensions.slice(1);
    this.itemBytes = this.itemShape.reduce((product, size) => product * size, 1);
  }

  /** Open a file, also a compressed one, and check its header. Errors: CorruptError 'idx-malformed'. */
  static async open(path: string, expectedDimensions: number): Promise<IdxFile> {
    const source = await openBytes(path);
    try {
      const header = Buffer.alloc(4 + 4 * expectedDimensions);
      await readFully(source, header, 0, path);
      const magic = (UNSIGNED_BYTE << 8) | expectedDimensions;
      if (header.readUInt32BE(0) !== magic)
        throw corrupt(path, 0, `the number ${magic}`, String(header.readUInt32BE(0)));
      const dimensions = Array.from({ length: expectedDimensions }, (_, index) =>
        header.readUInt32BE(4 + 4 * index),
      );
      const file = new IdxFile(path, source, dimensions);
      if (file.count > ITEMS_MAX) throw corrupt(path, 4, `at most ${ITEMS_MAX} items`, String(file.count));
      if (file.itemBytes > ITEM_BYTES_MAX)
        throw corrupt(path, 8, `items of at most ${ITEM_BYTES_MAX} bytes`, String(file.itemBytes));
      return file;
    } catch (error) {
      await source.close();
      throw error;
    }
  }

  /** The bytes of all items. */
  async readAll(): Promise<Uint8Array> {
    const bytes = new Uint8Array(this.count * this.itemBytes);
    await readFully(this.#source, bytes, this.#dataOffset, this.#path);
    return bytes;
  }

  /** The bytes of the items with these numbers, which must be in ascending order and below `count`. */
  async read(indices: Uint32Array): Promise<Uint8Array> {
    const bytes = new Uint8Array(indices.length * this.itemBytes);
    for (const { start, count } of runsOf(indices)) {
      const target = bytes.subarray(start * this.itemBytes, (start + count) * this.itemBytes);
      await readFully(
        this.#source,
        target,
        this.#dataOffset + (indices[start] ?? 0) * this.itemBytes,
        this.#path,
      );
    }
    return bytes;
  }

  async close(): Promise<void> {
    await this.#source.close();
  }
}
