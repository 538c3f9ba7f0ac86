import type { Dtype } from '../tensor/tensor.ts';
import { Checkpoint, type CheckpointOptions } from './checkpoint-reader.ts';

/** What a checkpoint's model holds, without its values. */
export interface CheckpointSummary {
  readonly format: 'zip' | 'legacy';
  readonly sizeBytes: number;
  readonly tensors: ReadonlyMap<string, { readonly dtype: Dtype; readonly shape: readonly number[] }>;
}

interface InspectOptions extends CheckpointOptions {
  /** Also read every storage of the model and compare checksums. Default false: only the index is read. */
  readonly readStorages?: boolean;
}

/**
 * Look at a checkpoint's model before it counts: names, types, shapes, and that every storage is there in full.
 *
 * Errors: CorruptError naming what is wrong; StaleError 'changed' when the file is written meanwhile.
 */
export async function inspectCheckpoint(
  path: string,
  options: InspectOptions = {},
): Promise<CheckpointSummary> {
  const checkpoint = await Checkpoint.open(path, options);
  try {
    const model = checkpoint.model();
    for (const layout of model.tensors.values()) {
      if (options.readStorages === true) await checkpoint.verify(layout);
      else await checkpoint.place(layout);
    }
    checkpoint.source.assertUnchanged();
    const tensors = new Map([...model.tensors].map(([name, { dtype, shape }]) => [name, { dtype, shape }]));
    return { format: checkpoint.format, sizeBytes: checkpoint.source.sizeBytes, tensors };
  } finally {
    checkpoint.close();
  }
}
