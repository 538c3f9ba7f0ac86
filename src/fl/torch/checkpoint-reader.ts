import { crc32 } from 'node:zlib';
import { MilaError } from '../../errors.ts';
import { ITEM_BYTES } from '../tensor/tensor.ts';
import { ByteSource } from './byte-source.ts';
import { type CheckpointTree, walkTree } from './checkpoint-tree.ts';
import { CreationBudget } from './creation-budget.ts';
import { gather } from './gather.ts';
import { isLegacyStream, LegacyStore } from './legacy-checkpoint.ts';
import { type CheckpointLimits, DEFAULT_LIMITS } from './limits.ts';
import { malformed, quoted } from './malformed.ts';
import { PickleDecoder } from './pickle-decoder.ts';
import type { ModelPlan } from './state-dict-plan.ts';
import type { Reading, StoragePlace, StorageStore } from './storage-store.ts';
import { isContiguous, type TensorLayout } from './tensor-layout.ts';
import { ZipStore } from './zip-checkpoint.ts';

/** How a checkpoint is read. */
export interface CheckpointOptions {
  readonly limits?: Partial<CheckpointLimits>;
  /**
   * What a storage whose checksum differs means. Default 'error'. 'ignore' for files that newer PyTorch wrote
   * without checksums on purpose.
   */
  readonly checksum?: 'error' | 'ignore';
  /** Shared by checkpoints that are likely alike; made with the same limits. */
  readonly decoder?: PickleDecoder;
}

/** First bytes of a zip archive's first record. */
const ZIP_START = 0x04034b50;
/** Longest piece that is read at once where only its checksum matters. Units: bytes. */
const PIECE_BYTES = 1024 * 1024;

/**
 * A checkpoint opened for reading: its object tree at once, its storages when they are asked for.
 *
 * Guarantees: nothing in the file is executed; storages that nobody asks for are never read; what is read lies
 * inside the file and inside its storage.
 * Errors: CorruptError naming what is wrong; StaleError 'changed' when the file is written meanwhile.
 */
export class Checkpoint {
  readonly path: string;
  readonly format: 'zip' | 'legacy';
  readonly source: ByteSource;
  readonly limits: CheckpointLimits;
  readonly #store: StorageStore;
  readonly #checksum: 'error' | 'ignore';
  readonly #decoder: PickleDecoder;
  readonly #budget: CreationBudget;
  /** Of storages that stand in the file as they are. */
  readonly #places = new Map<string, StoragePlace>();
  /** The storage that was inflated last: they are used one after the other, and one in memory is enough. */
  #inflated: { readonly key: string; readonly place: StoragePlace } | undefined;
  readonly #verified = new Set<string>();

  private constructor(
    source: ByteSource,
    store: StorageStore,
    options: CheckpointOptions & { readonly decoder: PickleDecoder; readonly budget: CreationBudget },
  ) {
    this.path = source.path;
    this.source = source;
    this.format = store instanceof ZipStore ? 'zip' : 'legacy';
    this.limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.#store = store;
    this.#checksum = options.checksum ?? 'error';
    this.#decoder = options.decoder;
    this.#budget = options.budget;
  }

  static async open(path: string, options: CheckpointOptions = {}): Promise<Checkpoint> {
    const source = ByteSource.open(path);
    try {
      const limits = { ...DEFAULT_LIMITS, ...options.limits };
      const decoder = options.decoder ?? new PickleDecoder(limits);
      const budget = new CreationBudget(source.sizeBytes, limits);
      const store = await openStore(source, { limits, decoder, budget });
      return new Checkpoint(source, store, { ...options, decoder, budget });
    } catch (error) {
      source.close();
      throw error;
    }
  }

  /**
   * The model's tensors by name.
   *
   * Errors: CorruptError 'no-model' | 'foreign-object' | 'not-a-tensor' | 'over-budget' | ...
   */
  model(): ModelPlan {
    const spent = this.#budget.spentBytes;
    const model = this.#decoder.model(this.#store.root, this.#budget);
    // The caller's from here on; asking again makes another one.
    this.#budget.rewind(spent);
    this.#budget.assertUnfolds(model.unfoldedBytes);
    return model;
  }

  /** Every name in the file that is not on the list of what a checkpoint may hold, in order. */
  foreignNames(): readonly string[] {
    return [...this.#store.foreign];
  }

  /** Forget the object tree, whose storages stay readable; `model` and `tree` find nothing from then on. */
  releaseTree(): void {
    this.#store.releaseTree();
  }

  /** Everything in the checkpoint, also what stands beside the model. Errors: as `walkTree`. */
  tree(): CheckpointTree {
    const spent = this.#budget.spentBytes;
    const tree = walkTree(this.#store.root, this.limits, this.#budget);
    this.#budget.rewind(spent);
    this.#budget.assertUnfolds(tree.unfoldedBytes);
    return tree;
  }

  /** Where a storage's bytes are. What must be inflated is kept until the next one. */
  place({ storage }: TensorLayout): StoragePlace | Promise<StoragePlace> {
    const { key } = storage;
    const known = this.#places.get(key) ?? (this.#inflated?.key === key ? this.#inflated.place : undefined);
    if (known !== undefined) return known;
    const found = this.#store.place(storage);
    if (found instanceof Promise) return this.#keepInflated(key, found);
    this.#places.set(key, found);
    return found;
  }

  async #keepInflated(key: string, found: Promise<StoragePlace>): Promise<StoragePlace> {
    // Let go of the last one before the next one comes.
    this.#inflated = undefined;
    const place = await found;
    this.#inflated = { key, place };
    return place;
  }

  /** Compare a storage with its checksum, once. Errors: CorruptError 'bad-checksum'. */
  async verify(layout: TensorLayout): Promise<void> {
    const { key } = layout.storage;
    const place = await this.place(layout);
    if (this.#checksum === 'ignore' || place.kind === 'memory' || place.crc32 === null) return;
    if (this.#verified.has(key)) return;
    this.#verified.add(key);
    const piece = Buffer.allocUnsafeSlow(Math.min(PIECE_BYTES, place.sizeBytes));
    let checksum = 0;
    for (let done = 0; done < place.sizeBytes; done += piece.length) {
      const part = piece.subarray(0, Math.min(piece.length, place.sizeBytes - done));
      await this.source.readInto(part, place.offset + done);
      checksum = crc32(part, checksum);
    }
    if (checksum !== place.crc32) throw badChecksum(key);
  }

  /**
   * Read a tensor whole.
   *
   * Shapes: the result is contiguous and row-major, whatever the tensor's strides.
   * Errors: CorruptError 'too-large' above the limit; 'bad-checksum'.
   */
  async readTensor(layout: TensorLayout): Promise<Uint8Array> {
    const itemBytes = ITEM_BYTES[layout.dtype];
    const sizeBytes = layout.count * itemBytes;
    if (sizeBytes > this.limits.tensorBytesMax || layout.span * itemBytes > this.limits.tensorBytesMax)
      throw malformed('too-large', `a tensor of ${sizeBytes} bytes is too large for memory`);
    if (layout.count === 0) return new Uint8Array(0);
    await this.verify(layout);
    const spanned = await this.readSpan(layout, layout.offset, layout.span);
    return isContiguous(layout) ? spanned : gather(spanned, layout);
  }

  /** Read elements of a tensor's storage as they stand. Units: elements of the tensor's type, from the storage's start. */
  async readSpan(layout: TensorLayout, first: number, count: number): Promise<Uint8Array> {
    const itemBytes = ITEM_BYTES[layout.dtype];
    const place = await this.place(layout);
    if (place.kind === 'memory') return place.bytes.slice(first * itemBytes, (first + count) * itemBytes);
    const target = new Uint8Array(count * itemBytes);
    await this.source.readInto(target, place.offset + first * itemBytes);
    return target;
  }

  /** Idempotent. */
  close(): void {
    this.source.close();
  }
}

function badChecksum(key: string) {
  return malformed('bad-checksum', `storage ${quoted(key)} is damaged: its checksum differs`, { key });
}

async function openStore(source: ByteSource, reading: Reading): Promise<StorageStore> {
  const head = await source.read(0, Math.min(16, source.sizeBytes));
  try {
    if (head.length >= 4 && head.readUInt32LE(0) === ZIP_START) return await ZipStore.open(source, reading);
    if (isLegacyStream(head)) return await LegacyStore.open(source, reading);
  } catch (error) {
    if (error instanceof MilaError) throw error;
    throw malformed('malformed', `the checkpoint cannot be read: ${String(error)}`);
  }
  throw malformed('not-a-checkpoint', 'the file is not a PyTorch checkpoint', {
    sizeBytes: source.sizeBytes,
  });
}
