import type { Dtype } from '../tensor/tensor.ts';
import { GrowingBytes } from './growing-bytes.ts';
import type { ModelMetadata } from './state-dict-plan.ts';
import { storageClassOf } from './storage-classes.ts';

/** One tensor as the stream describes it. Units: `numel` and `stride` in elements. */
export interface PickledTensor {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly stride: readonly number[];
  /** Which storage holds it; tied tensors share one. */
  readonly storage: number;
  readonly numel: number;
}

const MEMO = { orderedDict: 1, rebuild: 2, cpu: 3, storageWord: 4, classes: 5 } as const;
/** PyTorch's own pickler sets items in batches of this many. */
const BATCH_ITEMS = 1000;
const INT32_MAX = 2 ** 31 - 1;

/**
 * Write `{"model": OrderedDict}` as a pickle stream of protocol 2.
 *
 * Guarantees: only instructions and names that every PyTorch since 1.6 loads, also with `weights_only=True`; the
 * same input gives the same bytes.
 */
export class ModelPickler {
  readonly #stream = new GrowingBytes();
  readonly #classes = new Map<string, number>();

  static pickle(tensors: readonly PickledTensor[], metadata: ModelMetadata | null): Buffer {
    const pickler = new ModelPickler();
    pickler.#bytes(0x80, 2);
    pickler.#bytes(0x7d);
    pickler.#text('model');
    pickler.#remembered(MEMO.orderedDict, () => pickler.#global('collections', 'OrderedDict'));
    pickler.#bytes(0x29, 0x52);
    for (let start = 0; start < tensors.length; start += BATCH_ITEMS) {
      pickler.#bytes(0x28);
      for (const tensor of tensors.slice(start, start + BATCH_ITEMS)) {
        pickler.#text(tensor.name);
        pickler.#tensor(tensor);
      }
      pickler.#bytes(0x75);
    }
    if (metadata !== null) pickler.#metadata(metadata);
    pickler.#bytes(0x73, 0x2e);
    return pickler.#stream.bytes;
  }

  #tensor(tensor: PickledTensor): void {
    this.#remembered(MEMO.rebuild, () => this.#global('torch._utils', '_rebuild_tensor_v2'));
    this.#bytes(0x28, 0x28);
    this.#remembered(MEMO.storageWord, () => this.#text('storage'));
    this.#storageClass(storageClassOf(tensor.dtype));
    this.#text(String(tensor.storage));
    this.#remembered(MEMO.cpu, () => this.#text('cpu'));
    this.#integer(tensor.numel);
    this.#bytes(0x74, 0x51);
    this.#integer(0);
    this.#tuple(tensor.shape);
    this.#tuple(tensor.stride);
    this.#bytes(0x89);
    this.#remembered(MEMO.orderedDict, () => undefined);
    this.#bytes(0x29, 0x52, 0x74, 0x52);
  }

  /** BUILD with {'_metadata': OrderedDict(module -> {...})}, as a module's state_dict() has it. */
  #metadata(metadata: ModelMetadata): void {
    this.#bytes(0x7d);
    this.#text('_metadata');
    this.#remembered(MEMO.orderedDict, () => undefined);
    this.#bytes(0x29, 0x52);
    for (const [module, facts] of metadata) {
      this.#text(module);
      this.#bytes(0x7d);
      for (const [name, value] of facts) {
        this.#text(name);
        this.#plain(value);
        this.#bytes(0x73);
      }
      this.#bytes(0x73);
    }
    this.#bytes(0x73, 0x62);
  }

  #plain(value: number | string | boolean | null): void {
    if (value === null) this.#bytes(0x4e);
    else if (typeof value === 'boolean') this.#bytes(value ? 0x88 : 0x89);
    else if (typeof value === 'number') this.#integer(value);
    else this.#text(value);
  }

  #storageClass(name: string): void {
    const slot = this.#classes.get(name);
    if (slot !== undefined) {
      this.#bytes(0x68, slot);
      return;
    }
    const fresh = MEMO.classes + this.#classes.size;
    this.#classes.set(name, fresh);
    this.#global('torch', name);
    this.#bytes(0x71, fresh);
  }

  readonly #written = new Set<number>();

  /** Write a value the first time and recall it from then on. */
  #remembered(slot: number, write: () => void): void {
    if (this.#written.has(slot)) {
      this.#bytes(0x68, slot);
      return;
    }
    write();
    this.#written.add(slot);
    this.#bytes(0x71, slot);
  }

  #global(module: string, name: string): void {
    this.#stream.uint8(0x63);
    this.#stream.text(`${module}\n${name}\n`);
  }

  #text(text: string): void {
    this.#stream.uint8(0x58);
    this.#stream.sizedText(text);
  }

  #integer(value: number): void {
    if (value >= 0 && value < 256) this.#bytes(0x4b, value);
    else if (value >= -INT32_MAX && value <= INT32_MAX) {
      this.#stream.uint8(0x4a);
      this.#stream.int32(value);
    } else {
      this.#bytes(0x8a, 0x08);
      this.#stream.int64(value);
    }
  }

  #tuple(values: readonly number[]): void {
    if (values.length > 3) this.#bytes(0x28);
    for (const value of values) this.#integer(value);
    this.#bytes([0x29, 0x85, 0x86, 0x87][values.length] ?? 0x74);
  }

  #bytes(...bytes: readonly number[]): void {
    for (const byte of bytes) this.#stream.uint8(byte);
  }
}
