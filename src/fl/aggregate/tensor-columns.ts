import { type Dtype, ITEM_BYTES } from '../tensor/tensor.ts';
import type { Checkpoint } from '../torch/checkpoint-reader.ts';
import type { ModelPlan } from '../torch/state-dict-plan.ts';
import { contiguousStride, isContiguous, isDense, type TensorLayout } from '../torch/tensor-layout.ts';
import type { FileRange } from './element-job.ts';
import type { ScratchFile } from './scratch-file.ts';

/** One checkpoint as an input of a rule. */
export interface Column {
  readonly checkpoint: Checkpoint;
  readonly model: ModelPlan;
}

/** One input's elements of one tensor, in the order in which they are combined. */
export interface ColumnSource extends FileRange {
  /** The checksum that these very bytes must have; null when it was compared already or there is none. */
  readonly checksum: number | null;
}

/** A tensor that every input has. */
export interface CommonTensor {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  /** Order of the elements in the sources and in the output. */
  readonly stride: readonly number[];
  readonly bytes: number;
  /** An earlier tensor that shares its storage in every input. */
  readonly tiedTo?: string;
  /** One for each column, null where a column lacks the tensor; none when the tensor is tied or empty. */
  readonly sources: readonly (ColumnSource | null)[];
}

interface CommonOptions {
  /** Compare storages with their checksums. */
  readonly verify: boolean;
  readonly scratch: ScratchFile;
}

/**
 * Find every tensor's bytes in every input. Where a column has a tensor, it has the lead's type and shape.
 *
 * Guarantees: tensors are in the lead's order; where all inputs keep a dense tensor in the same other order
 * (transposed, channels last), that order is kept.
 */
export async function commonTensors(
  columns: readonly Column[],
  lead: ModelPlan,
  options: CommonOptions,
): Promise<CommonTensor[]> {
  const tensors: CommonTensor[] = [];
  const ties = new Ties(lead);
  for (const [name, first] of lead.tensors) {
    const layouts = columns.map(({ model }) => model.tensors.get(name));
    const { dtype, shape, count } = first;
    const sameOrder = layouts.every((layout) => layout === undefined || keepsOrder(layout, first));
    const stride = sameOrder ? first.stride : contiguousStride(shape);
    const common = { name, dtype, shape, stride, bytes: count * ITEM_BYTES[dtype] };
    const tiedTo = ties.ownerOf(name, first, layouts);
    if (tiedTo !== undefined) tensors.push({ ...common, tiedTo, sources: [] });
    else if (count === 0) tensors.push({ ...common, sources: [] });
    else tensors.push({ ...common, sources: await sourcesOf(columns, layouts, sameOrder, options) });
  }
  return tensors;
}

/** Finds tensors that are one and the same in every column. */
class Ties {
  readonly #shared: ReadonlySet<string>;
  readonly #owners = new Map<string, string>();

  constructor(lead: ModelPlan) {
    this.#shared = sharedStorages(lead);
  }

  /** The earlier tensor at the same places. Tensors are tied only if they are in the lead; most have their own storage. */
  ownerOf(
    name: string,
    first: TensorLayout,
    layouts: readonly (TensorLayout | undefined)[],
  ): string | undefined {
    if (first.count === 0 || !this.#shared.has(first.storage.key)) return undefined;
    const place = layouts.map(placeText).join(' ');
    const owner = this.#owners.get(place);
    if (owner === undefined) this.#owners.set(place, name);
    return owner;
  }
}

/** Keys of the storages that more than one tensor lives in. */
function sharedStorages({ tensors }: ModelPlan): ReadonlySet<string> {
  const seen = new Set<string>();
  const shared = new Set<string>();
  for (const { storage } of tensors.values()) {
    if (seen.has(storage.key)) shared.add(storage.key);
    seen.add(storage.key);
  }
  return shared;
}

async function sourcesOf(
  columns: readonly Column[],
  layouts: readonly (TensorLayout | undefined)[],
  inOrder: boolean,
  options: CommonOptions,
): Promise<(ColumnSource | null)[]> {
  const sources: (ColumnSource | null)[] = [];
  for (const [index, { checkpoint }] of columns.entries()) {
    const layout = layouts[index];
    if (layout === undefined) sources.push(null);
    else
      sources.push(
        sourceAtOnce(checkpoint, layout, inOrder, options) ??
          (await sourceOf(checkpoint, layout, inOrder, options)),
      );
  }
  return sources;
}

function placeText(layout: TensorLayout | undefined): string {
  if (layout === undefined) return '-';
  const { storage, dtype, offset, stride, shape } = layout;
  return `${storage.key}:${dtype}:${offset}:${stride.join(',')}:${shape.join(',')}`;
}

/** True when the elements fill their span in the same order as the lead's do. */
function keepsOrder(layout: TensorLayout, lead: TensorLayout): boolean {
  if (isContiguous(layout) && isContiguous(lead)) return true;
  const isSame = layout.stride.every(
    (value, axis) => value === lead.stride[axis] || layout.shape[axis] === 1,
  );
  return isSame && isDense(layout);
}

/** The usual case, without waiting: a stored tensor that is its whole storage, in order. */
function sourceAtOnce(
  checkpoint: Checkpoint,
  layout: TensorLayout,
  inOrder: boolean,
  { verify }: CommonOptions,
): ColumnSource | undefined {
  const place = checkpoint.place(layout);
  if (place instanceof Promise || place.kind !== 'file' || !(inOrder || isContiguous(layout)))
    return undefined;
  if (layout.offset !== 0 || layout.count * ITEM_BYTES[layout.dtype] !== place.sizeBytes) return undefined;
  const { descriptor } = checkpoint.source;
  return { descriptor, offset: place.offset, checksum: verify ? place.crc32 : null };
}

async function sourceOf(
  checkpoint: Checkpoint,
  layout: TensorLayout,
  inOrder: boolean,
  { verify, scratch }: CommonOptions,
): Promise<ColumnSource> {
  const place = await checkpoint.place(layout);
  const itemBytes = ITEM_BYTES[layout.dtype];
  if (place.kind === 'file' && (inOrder || isContiguous(layout))) {
    const isWhole = layout.offset === 0 && layout.count * itemBytes === place.sizeBytes;
    // A tensor that is its storage is checked while it is combined; a part of one can only be checked beforehand.
    if (verify && !isWhole) await checkpoint.verify(layout);
    return {
      descriptor: checkpoint.source.descriptor,
      offset: place.offset + layout.offset * itemBytes,
      checksum: verify && isWhole ? place.crc32 : null,
    };
  }
  const range = await scratch.keep(await checkpoint.readTensor(layout));
  return { ...range, checksum: null };
}
