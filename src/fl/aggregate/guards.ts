import { Checkpoint } from '../torch/checkpoint-reader.ts';
import { quoted } from '../torch/malformed.ts';
import type { ModelPlan } from '../torch/state-dict-plan.ts';
import type { RefusedUpdate } from './aggregator.ts';
import { type InputSet, type OpenUpdate, signature } from './input-set.ts';

type Difference = Pick<RefusedUpdate, 'reason' | 'message' | 'tensor'>;

/** How a model differs from another by names, types or shapes; undefined when it does not. */
export function differenceOf(model: ModelPlan, expected: ModelPlan): Difference | undefined {
  if (model === expected) return undefined;
  for (const [name, layout] of expected.tensors) {
    const own = model.tensors.get(name);
    if (own === undefined)
      return { reason: 'keys-differ', message: `${quoted(name)} is missing`, tensor: name };
    if (own.dtype !== layout.dtype)
      return {
        reason: 'dtype-mismatch',
        message: `${quoted(name)} is ${own.dtype} where ${layout.dtype} is expected`,
        tensor: name,
      };
    if (own.shape.join() !== layout.shape.join())
      return {
        reason: 'shape-mismatch',
        message: `${quoted(name)} is ${signature(own.dtype, own.shape)} where ${signature(layout.dtype, layout.shape)} is expected`,
        tensor: name,
      };
  }
  for (const name of model.tensors.keys())
    if (!expected.tensors.has(name))
      return { reason: 'keys-differ', message: `${quoted(name)} is not expected`, tensor: name };
  return undefined;
}

/**
 * Refuse every update whose tensors are not those of the model.
 *
 * Guarantees: the model's form is that of the aggregate that the round started from; without one, the form that most
 * updates share (of equally many, the first by name), so that one wrong update cannot have all others refused by
 * being the first.
 */
export async function refuseUnlike(set: InputSet, previousPath: string | undefined): Promise<void> {
  const expected = previousPath === undefined ? commonForm(set) : await formOf(previousPath);
  if (expected === undefined) return;
  for (const update of [...set.updates]) {
    const difference = differenceOf(update.model, expected);
    if (difference !== undefined)
      set.refuse(update, { participant: update.input.participant, ...difference });
  }
}

async function formOf(path: string): Promise<ModelPlan> {
  const checkpoint = await Checkpoint.open(path);
  try {
    return checkpoint.model();
  } finally {
    checkpoint.close();
  }
}

function commonForm(set: InputSet): ModelPlan | undefined {
  const forms = new Map<string, OpenUpdate[]>();
  const known = new Map<ModelPlan, string>();
  for (const update of set.updates) {
    const form = known.get(update.model) ?? formText(update.model);
    known.set(update.model, form);
    const alike = forms.get(form);
    if (alike === undefined) forms.set(form, [update]);
    else alike.push(update);
  }
  const [first, ...others] = forms.values();
  return others.reduce((most, group) => (group.length > (most?.length ?? 0) ? group : most), first)?.[0]
    ?.model;
}

function formText({ tensors }: ModelPlan): string {
  return [...tensors]
    .map(([name, { dtype, shape }]) => JSON.stringify([name, dtype, shape]))
    .sort()
    .join();
}
