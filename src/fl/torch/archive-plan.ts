import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { invariant } from '../../invariant.ts';
import { type Dtype, elementCount, ITEM_BYTES } from '../tensor/tensor.ts';
import {
  appendDataDescriptor,
  appendDirectory,
  appendLocalHeader,
  type PlacedRecord,
  placeRecords,
  recordEnd,
} from './archive-layout.ts';
import { GrowingBytes } from './growing-bytes.ts';
import { ModelPickler, type PickledTensor } from './pickle-writer.ts';
import type { ModelMetadata } from './state-dict-plan.ts';
import { contiguousStride } from './tensor-layout.ts';

/** A tensor that a checkpoint will hold. */
export interface PlannedTensor {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  /** Default: contiguous. Must fill the storage without gaps. Units: elements. */
  readonly stride?: readonly number[];
  /** The name of an earlier tensor of the same type and shape whose storage this one shares. */
  readonly tiedTo?: string;
}

/** A storage of a checkpoint to be written, at its final place. Units: bytes. */
export interface PlannedStorage {
  readonly name: string;
  readonly offset: number;
  readonly sizeBytes: number;
}

/** The folder of the archive; PyTorch takes any. */
const PREFIX = 'archive';
/** PyTorch refuses an archive without it. */
const VERSION = Buffer.from('3\n', 'latin1');
const BYTE_ORDER = Buffer.from('little', 'latin1');
/** Records before the first storage: data.pkl and byteorder. */
const HEAD_RECORDS = 2;

/**
 * A checkpoint to be written, every byte's place known beforehand, so that its storages can be written in any order
 * and by several threads.
 *
 * Guarantees: the file holds exactly `{"model": OrderedDict}`; equal content gives equal bytes.
 */
export class ArchivePlan {
  /** In the order of the tensors; a tied tensor has none of its own. */
  readonly storages: readonly PlannedStorage[];
  readonly #records: readonly PlacedRecord[];
  readonly #pickle: Buffer;

  /**
   * Order of the records: data.pkl, byteorder, data/0 .. data/n, version.
   *
   * No `.format_version` is written: with it, newer readers would compute places instead of reading them.
   */
  constructor(tensors: readonly PlannedTensor[], metadata: ModelMetadata | null) {
    const { pickled, owners } = storagesOf(tensors);
    this.#pickle = ModelPickler.pickle(pickled, metadata);
    this.#records = placeRecords([
      { name: `${PREFIX}/data.pkl`, sizeBytes: this.#pickle.length },
      { name: `${PREFIX}/byteorder`, sizeBytes: BYTE_ORDER.length },
      ...owners.map(({ sizeBytes }, index) => ({ name: `${PREFIX}/data/${index}`, sizeBytes })),
      { name: `${PREFIX}/version`, sizeBytes: VERSION.length },
    ]);
    this.storages = owners.map(({ name, sizeBytes }, index) => ({
      name,
      sizeBytes,
      offset: this.#records[HEAD_RECORDS + index]?.payloadOffset ?? 0,
    }));
  }

  /**
   * Write all that is not a storage's data: headers, names, checksums, the directory.
   *
   * Shapes: one checksum for each storage, in order.
   */
  writeFrame(descriptor: number, checksums: readonly number[]): void {
    invariant(checksums.length === this.storages.length, 'every storage has a checksum');
    const contents = new Map([
      [0, this.#pickle],
      [1, BYTE_ORDER],
      [this.#records.length - 1, VERSION],
    ]);
    const sums = [crc32(this.#pickle), crc32(BYTE_ORDER), ...checksums, crc32(VERSION)];
    // What stands between two storages goes out in one piece.
    const pending = new GrowingBytes();
    let start = 0;
    for (const [index, record] of this.#records.entries()) {
      appendLocalHeader(pending, record);
      const content = contents.get(index);
      if (content !== undefined) pending.append(content);
      else {
        writeFully(descriptor, pending.bytes, start);
        pending.clear();
        start = record.payloadEnd;
      }
      appendDataDescriptor(pending, record, sums[index] ?? 0);
    }
    appendDirectory(pending, this.#records, sums);
    writeFully(descriptor, pending.bytes, start);
  }

  /** Length of the file less its directory. Units: bytes. */
  get dataBytes(): number {
    const last = this.#records.at(-1);
    return last === undefined ? 0 : recordEnd(last);
  }
}

interface StoragePlan {
  readonly pickled: readonly PickledTensor[];
  readonly owners: readonly { readonly name: string; readonly sizeBytes: number }[];
}

function storagesOf(tensors: readonly PlannedTensor[]): StoragePlan {
  const indices = new Map<string, number>();
  const pickled: PickledTensor[] = [];
  const owners: { name: string; sizeBytes: number }[] = [];
  for (const { name, dtype, shape, stride, tiedTo } of tensors) {
    const numel = elementCount(shape);
    const storage = tiedTo === undefined ? owners.length : indices.get(tiedTo);
    invariant(storage !== undefined, 'a tensor is tied to one that has no storage');
    if (storage === owners.length) owners.push({ name, sizeBytes: numel * ITEM_BYTES[dtype] });
    indices.set(name, storage);
    pickled.push({ name, dtype, shape, stride: stride ?? contiguousStride(shape), storage, numel });
  }
  return { pickled, owners };
}

/** Write all of `bytes` at `position`. */
export function writeFully(descriptor: number, bytes: Uint8Array, position: number): void {
  let done = 0;
  while (done < bytes.length)
    done += writeSync(descriptor, bytes, done, bytes.length - done, position + done);
}

/** Where a local header's name begins, and how much of a file holds the first instructions. Units: bytes. */
const NAME_OFFSET = 30;
const HEAD_BYTES = 512;
/** How `ModelPickler` begins. Python's own pickler remembers the dictionary, which gives other bytes. */
const PICKLE_HEAD = Buffer.from('\u0080\u0002}X\u0005\0\0\0model', 'latin1');

/** Whether a file begins as one that `ArchivePlan` wrote. Guarantees: none that PyTorch's own code saved does. */
export function isPlannedArchive(path: string): boolean {
  const file = openSync(path, 'r');
  try {
    const head = Buffer.alloc(HEAD_BYTES);
    const length = readSync(file, head, 0, HEAD_BYTES, 0);
    const first = `${PREFIX}/data.pkl`;
    const name = head.toString('latin1', NAME_OFFSET, NAME_OFFSET + first.length);
    return name === first && head.subarray(0, length).includes(PICKLE_HEAD);
  } finally {
    closeSync(file);
  }
}
