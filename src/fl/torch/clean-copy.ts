import { crc32 } from 'node:zlib';
import { writeAtomically } from '../../atomic-file.ts';
import { ITEM_BYTES } from '../tensor/tensor.ts';
import { ArchivePlan, type PlannedTensor, writeFully } from './archive-plan.ts';
import { Checkpoint, type CheckpointOptions } from './checkpoint-reader.ts';
import { malformed, quoted } from './malformed.ts';
import type { ModelPlan } from './state-dict-plan.ts';
import { contiguousStride, isContiguous, isDense, type TensorLayout } from './tensor-layout.ts';

/** Longest piece that is moved at once. Units: bytes. */
const PIECE_BYTES = 1024 * 1024;

interface CopyOptions extends CheckpointOptions {
  readonly signal?: AbortSignal | undefined;
}

/** Where a tensor's elements are, and in which order. */
function placeText({ storage, dtype, offset, stride, shape }: TensorLayout): string {
  return `${storage.key}:${dtype}:${offset}:${stride.join(',')}:${shape.join(',')}`;
}

/** True for elements that fill their span in another order than row by row: transposed, channels last. */
function keepsOwnOrder(layout: TensorLayout): boolean {
  return !isContiguous(layout) && isDense(layout);
}

/** The tensors as they will be written: in their own order where they fill their span, tied where they were. */
function planned(tensors: ReadonlyMap<string, TensorLayout>): readonly PlannedTensor[] {
  const owners = new Map<string, string>();
  return [...tensors].map(([name, layout]) => {
    const { dtype, shape, count } = layout;
    const stride = keepsOwnOrder(layout) ? layout.stride : contiguousStride(shape);
    const place = placeText(layout);
    const tiedTo = count === 0 ? undefined : owners.get(place);
    if (tiedTo === undefined) owners.set(place, name);
    return { name, dtype, shape, stride, ...(tiedTo === undefined ? {} : { tiedTo }) };
  });
}

/** Moves the storages of one checkpoint. */
class StorageCopier {
  readonly #checkpoint: Checkpoint;
  readonly #signal: AbortSignal | undefined;
  readonly #checksum: 'error' | 'ignore';
  readonly #piece = Buffer.allocUnsafeSlow(PIECE_BYTES);

  constructor(checkpoint: Checkpoint, { signal, checksum = 'error' }: CopyOptions) {
    this.#checkpoint = checkpoint;
    this.#signal = signal;
    this.#checksum = checksum;
  }

  /** Write a tensor's elements at `target`; returns their checksum. Errors: CorruptError 'bad-checksum'. */
  async copy(name: string, layout: TensorLayout, descriptor: number, target: number): Promise<number> {
    this.#signal?.throwIfAborted();
    if (layout.count === 0) return 0;
    const place = await this.#checkpoint.place(layout);
    const itemBytes = ITEM_BYTES[layout.dtype];
    const sizeBytes = layout.count * itemBytes;
    const isInOrder = isContiguous(layout) || isDense(layout);
    if (place.kind === 'memory' || !isInOrder) {
      const bytes = isInOrder
        ? await this.#checkpoint.readSpan(layout, layout.offset, layout.span)
        : await this.#checkpoint.readTensor(layout);
      writeFully(descriptor, bytes, target);
      return crc32(bytes);
    }
    const isWhole = layout.offset === 0 && sizeBytes === place.sizeBytes;
    // A tensor that is its storage is compared while it is copied; a part of one can only be checked beforehand.
    if (!isWhole) await this.#checkpoint.verify(layout);
    const start = place.offset + layout.offset * itemBytes;
    const sum = await this.#move(descriptor, { start, target, sizeBytes });
    if (isWhole && this.#checksum === 'error' && place.crc32 !== null && sum !== place.crc32)
      throw malformed('bad-checksum', `${quoted(name)} is damaged: its checksum differs`, { tensor: name });
    return sum;
  }

  async #move(
    descriptor: number,
    { start, target, sizeBytes }: { start: number; target: number; sizeBytes: number },
  ): Promise<number> {
    let sum = 0;
    for (let done = 0; done < sizeBytes; done += PIECE_BYTES) {
      this.#signal?.throwIfAborted();
      const part = this.#piece.subarray(0, Math.min(PIECE_BYTES, sizeBytes - done));
      await this.#checkpoint.source.readInto(part, start + done);
      writeFully(descriptor, part, target + done);
      sum = crc32(part, sum);
    }
    return sum;
  }
}

/**
 * Write a checkpoint's model anew, and nothing else of the file: what another program loads then holds this project's
 * own pickle instructions only.
 *
 * Guarantees: names, types, shapes, values bit by bit, ties and the modules' versions are kept; memory does not grow
 * with the file; `output` appears whole or not at all; equal models give equal bytes.
 * Errors: CorruptError naming what is wrong; StaleError 'changed' when the file is written meanwhile; an abort's reason.
 */
export async function copyModel(source: string, output: string, options: CopyOptions = {}): Promise<void> {
  const checkpoint = await Checkpoint.open(source, options);
  try {
    const model = checkpoint.model();
    checkpoint.releaseTree();
    await copyCheckpoint(checkpoint, model, output, options);
  } finally {
    checkpoint.close();
  }
}

/** As `copyModel`, of a checkpoint that is open. */
export async function copyCheckpoint(
  checkpoint: Checkpoint,
  { tensors, metadata }: ModelPlan,
  output: string,
  options: CopyOptions = {},
): Promise<void> {
  const plan = new ArchivePlan(planned(tensors), metadata);
  await writeAtomically(output, async ({ fd }) => {
    const copier = new StorageCopier(checkpoint, options);
    const checksums: number[] = [];
    for (const { name, offset } of plan.storages) {
      const layout = tensors.get(name);
      checksums.push(layout === undefined ? 0 : await copier.copy(name, layout, fd, offset));
    }
    checkpoint.source.assertUnchanged();
    plan.writeFrame(fd, checksums);
  });
}
