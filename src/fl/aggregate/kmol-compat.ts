import { crc32 } from 'node:zlib';
import { writeAtomically } from '../../atomic-file.ts';
import { RoundError } from '../../errors.ts';
import { invariant } from '../../invariant.ts';
import type { Dtype } from '../tensor/tensor.ts';
import { ArchivePlan, type PlannedTensor, writeFully } from '../torch/archive-plan.ts';
import { quoted } from '../torch/malformed.ts';
import type { ModelMetadata } from '../torch/state-dict-plan.ts';
import type { TensorLayout } from '../torch/tensor-layout.ts';
import type { AggregationInput, AggregationOptions, AggregationReport } from './aggregator.ts';
import { InputSet, type OpenUpdate } from './input-set.ts';
import {
  addInPlace,
  bytesOf,
  divided,
  type PythonNumber,
  product,
  productDtype,
  quotientDtype,
  type Values,
  valuesOf,
  viewPlaces,
} from './kmol-arithmetic.ts';

/** How kMoL would combine the updates. */
export type CompatRule =
  | { readonly kind: 'plain' }
  | { readonly kind: 'weighted'; readonly weights: readonly PythonNumber[] };

export interface CompatRequest {
  readonly inputs: readonly AggregationInput[];
  readonly outputPath: string;
  readonly options: AggregationOptions;
  readonly decide: DecideCompat;
}

/** Asked once all updates are open; told where the result goes, for rules that need room beside it. */
export type DecideCompat = (
  updates: readonly OpenUpdate[],
  where: { readonly outputPath: string; readonly options: AggregationOptions },
) => Promise<CompatRule>;

interface PlannedResult extends PlannedTensor {
  readonly compute: () => Promise<Values>;
}

/**
 * Combine updates as kMoL 1.1.9 does on PyTorch 1.13, bit for bit, with all that is odd about it: missing keys, mixed
 * types, shapes that broadcast, sums that wrap or overflow, weights that do not sum to 1, storages that are shared and
 * therefore added to once per name.
 *
 * Guarantees: one storage is in memory at a time. The output is contiguous where PyTorch might keep another order.
 * Errors: RoundError 'torch-error' where PyTorch fails as well; 'unreadable' when any update cannot be read, since
 * kMoL leaves none out.
 */
export async function aggregateLikeKmol(request: CompatRequest): Promise<AggregationReport> {
  const set = await InputSet.open(request.inputs);
  try {
    set.assertAtLeast(1);
    const [refused] = set.refused;
    if (refused !== undefined)
      throw new RoundError({
        code: 'unreadable',
        message: `${refused.participant}: ${refused.message}`,
        hint: 'In compatible mode no update is left out; without it, this one would be refused and the rest combined.',
      });
    const { updates } = set;
    const rule = await request.decide(updates, request);
    const results = rule.kind === 'plain' ? planPlain(updates) : planWeighted(updates, rule.weights);
    const metadata = rule.kind === 'plain' ? (updates[0]?.model.metadata ?? null) : null;
    const sizeBytes = await writeResults(request, results, metadata);
    for (const { checkpoint } of updates) checkpoint.source.assertUnchanged();
    const weights = updates.map(({ input }, index) => {
      const weight = rule.kind === 'plain' ? 1 / updates.length : (rule.weights[index]?.value ?? 0);
      return [input.participant, weight] as const;
    });
    const notes = ['combined as kMoL does, without guards'];
    return { weights: new Map(weights), refused: [], tensors: results.length, sizeBytes, notes };
  } finally {
    set.close();
  }
}

async function writeResults(
  { outputPath, options }: CompatRequest,
  results: readonly PlannedResult[],
  metadata: ModelMetadata | null,
): Promise<number> {
  const plan = new ArchivePlan(results, metadata);
  const total = plan.storages.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  let done = 0;
  await writeAtomically(outputPath, async (handle) => {
    const checksums: number[] = [];
    for (const [index, { compute, name }] of results.entries()) {
      options.signal?.throwIfAborted();
      const bytes = bytesOf(await compute());
      const storage = plan.storages[index];
      invariant(
        storage?.name === name && storage.sizeBytes === bytes.length,
        'a result has its planned size',
      );
      writeFully(handle.fd, bytes, storage.offset);
      checksums.push(crc32(bytes));
      done += bytes.length;
      options.onProgress?.(done, total);
    }
    plan.writeFrame(handle.fd, checksums);
  });
  return total;
}

/** The first update's tensors; the later ones are added in place, then each is divided. */
function planPlain(updates: readonly OpenUpdate[]): PlannedResult[] {
  const [first, ...later] = updates;
  if (first === undefined) return [];
  for (const { model } of later)
    for (const name of model.tensors.keys())
      if (!first.model.tensors.has(name))
        throw new RoundError({
          code: 'torch-error',
          message: `kMoL fails with a KeyError: ${quoted(name)} is not in the first update`,
        });
  const sharing = new Map<string, string[]>();
  for (const [name, { storage }] of first.model.tensors)
    sharing.set(storage.key, [...(sharing.get(storage.key) ?? []), name]);
  return [...first.model.tensors].map(([name, layout]) => ({
    name,
    dtype: quotientDtype(layout.dtype),
    shape: layout.shape,
    compute: async () => {
      const names = sharing.get(layout.storage.key) ?? [name];
      const sum =
        names.length === 1
          ? await sumOne(first, later, name, layout)
          : await sumShared({ first, later, names, name });
      return divided(sum, updates.length);
    },
  }));
}

async function readValues({ checkpoint }: OpenUpdate, layout: TensorLayout): Promise<Values> {
  return valuesOf(layout.dtype, layout.shape, await checkpoint.readTensor(layout));
}

async function sumOne(
  first: OpenUpdate,
  later: readonly OpenUpdate[],
  name: string,
  layout: TensorLayout,
): Promise<Values> {
  const sum = await readValues(first, layout);
  for (const update of later) {
    const other = update.model.tensors.get(name);
    if (other !== undefined) addInPlace(sum, await readValues(update, other));
  }
  return sum;
}

interface SharedSum {
  readonly first: OpenUpdate;
  readonly later: readonly OpenUpdate[];
  /** All names that live in the storage. */
  readonly names: readonly string[];
  /** The one that is wanted. */
  readonly name: string;
}

/** Tensors of one storage: whatever is added to one is seen by the others, so all additions are repeated in order. */
async function sumShared({ first, later, names, name }: SharedSum): Promise<Values> {
  const layouts = new Map(names.map((each) => [each, layoutIn(first, each)]));
  const wanted = layoutIn(first, name);
  const length = Math.max(...[...layouts.values()].map(({ offset, span }) => offset + span));
  const raw = await first.checkpoint.readSpan(wanted, 0, length);
  const storage = valuesOf(wanted.dtype, [length], raw);
  for (const update of later)
    for (const [other, layout] of update.model.tensors) {
      const target = layouts.get(other);
      if (target === undefined) continue;
      const view = { ...storage, shape: target.shape };
      addInPlace(view, await readValues(update, layout), placesOf(target));
    }
  const places = placesOf(wanted);
  const data =
    storage.data instanceof BigInt64Array
      ? BigInt64Array.from(places, (place) => (storage.data[place] as bigint) ?? 0n)
      : Float64Array.from(places, (place) => Number(storage.data[place] ?? 0));
  return { dtype: wanted.dtype, shape: wanted.shape, data };
}

function placesOf(layout: TensorLayout): Uint32Array {
  return viewPlaces(layout.shape, layout.stride).map((place) => place + layout.offset);
}

function layoutIn(update: OpenUpdate, name: string): TensorLayout {
  const layout = update.model.tensors.get(name);
  invariant(layout !== undefined, 'a shared tensor is in the first update');
  return layout;
}

/** Products are added in order; a name that appears later starts there. */
function planWeighted(updates: readonly OpenUpdate[], weights: readonly PythonNumber[]): PlannedResult[] {
  const found = new Map<string, { dtype: Dtype; shape: readonly number[] }>();
  for (const [index, { model }] of updates.entries())
    for (const [name, { dtype, shape }] of model.tensors)
      if (!found.has(name)) found.set(name, { dtype: productDtype(dtype, weightAt(weights, index)), shape });
  return [...found].map(([name, { dtype, shape }]) => ({
    name,
    dtype,
    shape,
    compute: async () => {
      let sum: Values | undefined;
      for (const [index, update] of updates.entries()) {
        const layout = update.model.tensors.get(name);
        if (layout === undefined) continue;
        const part = product(await readValues(update, layout), weightAt(weights, index));
        if (sum === undefined) sum = part;
        else addInPlace(sum, part);
      }
      invariant(sum !== undefined, 'a planned tensor is in some update');
      return sum;
    },
  }));
}

function weightAt(weights: readonly PythonNumber[], index: number): PythonNumber {
  const weight = weights[index];
  invariant(weight !== undefined, 'every update has a weight');
  return weight;
}
