import type { PickleValue, StorageNode } from './pickle-value.ts';

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
  /** Forget the root: thousands of checkpoints may be open at once. */
  releaseTree(): void;
  /** At once, unless the storage must be unpacked first: a promise for each of thousands costs more than finding them. */
  place(storage: StorageNode): StoragePlace | Promise<StoragePlace>;
}
