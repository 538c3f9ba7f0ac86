import type { CreationBudget } from './creation-budget.ts';
import type { CheckpointLimits } from './limits.ts';
import type { PickleDecoder } from './pickle-decoder.ts';
import type { PickleValue, StorageNode } from './pickle-value.ts';

/** With what a file is read. */
export interface Reading {
  readonly limits: CheckpointLimits;
  readonly decoder: PickleDecoder;
  /** The file's one account of what is made out of it. */
  readonly budget: CreationBudget;
}

/** Where a storage's bytes are. */
export type StoragePlace =
  | {
      readonly kind: 'file';
      readonly offset: number;
      readonly sizeBytes: number;
      /** Null where the format has no checksum. */
      readonly crc32: number | null;
    }
  | { readonly kind: 'memory'; readonly bytes: Uint8Array };

/** One of the two file formats, opened: the object tree, and the way to the storages. */
export interface StorageStore {
  readonly root: PickleValue;
  /** Names in the file that are not on the list of what a checkpoint may hold. */
  readonly foreign: ReadonlySet<string>;
  /** Forget the root: thousands of checkpoints may be open at once. */
  releaseTree(): void;
  /** At once, unless the storage must be unpacked first: a promise for each of thousands costs more than finding them. */
  place(storage: StorageNode): StoragePlace | Promise<StoragePlace>;
}
