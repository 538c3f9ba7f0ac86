import type { FileHandle } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import type { StateDict } from '../tensor/tensor.ts';
import { ArchivePlan, writeFully } from './archive-plan.ts';
import { malformed, quoted } from './malformed.ts';

/**
 * Write a state dict that is in memory as a checkpoint.
 *
 * Errors: CorruptError 'bad-shape' when a tensor's bytes are not those of its shape.
 */
export async function writeCheckpoint(handle: FileHandle, stateDict: StateDict): Promise<void> {
  const tensors = [...stateDict].map(([name, { dtype, shape }]) => ({ name, dtype, shape }));
  const plan = new ArchivePlan(tensors, null);
  const checksums = plan.storages.map(({ name, offset, sizeBytes }) => {
    const bytes = stateDict.get(name)?.bytes ?? new Uint8Array(0);
    if (bytes.length !== sizeBytes)
      throw malformed(
        'bad-shape',
        `${quoted(name)} has ${bytes.length} bytes where its shape asks ${sizeBytes}`,
      );
    writeFully(handle.fd, bytes, offset);
    return crc32(bytes);
  });
  plan.writeFrame(handle.fd, checksums);
}
