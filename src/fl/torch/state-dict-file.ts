import { writeAtomically } from '../../atomic-file.ts';
import type { StateDict, Tensor } from '../tensor/tensor.ts';
import { Checkpoint, type CheckpointOptions } from './checkpoint-reader.ts';
import { writeCheckpoint } from './checkpoint-writer.ts';

/**
 * Read the model of a checkpoint into memory, whole: for small models; large ones are streamed.
 *
 * Shapes: every tensor is contiguous and row-major, whatever it was in the file.
 * Errors: CorruptError naming what is wrong; StaleError 'changed' when the file is written meanwhile.
 */
export async function readStateDict(path: string, options: CheckpointOptions = {}): Promise<StateDict> {
  const checkpoint = await Checkpoint.open(path, options);
  try {
    const stateDict = new Map<string, Tensor>();
    for (const [name, layout] of checkpoint.model().tensors) {
      const bytes = await checkpoint.readTensor(layout);
      stateDict.set(name, { dtype: layout.dtype, shape: layout.shape, bytes });
    }
    checkpoint.source.assertUnchanged();
    return stateDict;
  } finally {
    checkpoint.close();
  }
}

/**
 * Write `{"model": OrderedDict}` so that every PyTorch since 1.6 loads it, also with `weights_only=True`.
 *
 * Guarantees: the file appears whole or not at all; equal state dicts give equal bytes.
 */
export async function writeStateDict(path: string, stateDict: StateDict): Promise<void> {
  await writeAtomically(path, (handle) => writeCheckpoint(handle, stateDict));
}
