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
 * Guarantees: the model's form is that of the aggregate that the round started from; without one, the form that more
 * updates share than any other, so that one wrong update cannot have all others refused by being the first. Where two
 * forms have equally many, nobody can tell which is the model's: all are refused.
 */
export async function refuseUnlike(set: InputSet, previousPath: string | undefined): Promise<void> {
  if (previousPath === undefined) {
    refuseMinority(set);
    return;
  }
  refuseOthers(set, await formOf(previousPath));
}

function refuseOthers(set: InputSet, expected: ModelPlan): void {
  for (const update of [...set.updates]) {
    const difference = differenceOf(update.model, expected);
    if (difference !== undefined)
      set.refuse(update, { participant: update.input.participant, ...difference });
  }
}

function refuseMinority(set: InputSet): void {
  const forms = formsOf(set).sort((left, right) => right.length - left.length);
  const [most, next] = forms;
  const [leader] = most ?? [];
  if (leader === undefined || most === undefined) return;
  if (next === undefined || next.length < most.length) refuseOthers(set, leader.model);
  else refuseTied(set, most, next);
}

/** Most names that a message about a tie tells for each side. */
const NAMES_SHOWN_MAX = 5;

function refuseTied(set: InputSet, one: readonly OpenUpdate[], other: readonly OpenUpdate[]): void {
  const [left, right] = [one[0], other[0]];
  if (left === undefined || right === undefined) return;
  const how = differenceOf(right.model, left.model)?.message ?? 'they differ';
  const message =
    `no form of the model has most of this first round's updates: ${formWords(one)}, ${formWords(other)} ` +
    `(in the latter ${how}); set start_point, or give the aggregate to start from with --previous`;
  for (const update of [...set.updates])
    set.refuse(update, { participant: update.input.participant, reason: 'form-undecided', message });
}

/** Who sent one form, and what it comes to. */
function formWords(alike: readonly OpenUpdate[]): string {
  const names = alike.map(({ input }) => input.participant);
  const shown = names.slice(0, NAMES_SHOWN_MAX).join(', ');
  const more = names.length > NAMES_SHOWN_MAX ? ` and ${names.length - NAMES_SHOWN_MAX} more` : '';
  const { tensors, unfoldedBytes } = alike[0]?.model ?? { tensors: new Map(), unfoldedBytes: 0 };
  return `${shown}${more} sent ${tensors.size} tensors of ${unfoldedBytes} bytes`;
}

async function formOf(path: string): Promise<ModelPlan> {
  const checkpoint = await Checkpoint.open(path);
  try {
    return checkpoint.model();
  } finally {
    checkpoint.close();
  }
}

/** The updates, grouped by names, types and shapes. */
function formsOf(set: InputSet): OpenUpdate[][] {
  const forms = new Map<string, OpenUpdate[]>();
  const known = new Map<ModelPlan, string>();
  for (const update of set.updates) {
    const form = known.get(update.model) ?? formText(update.model);
    known.set(update.model, form);
    const alike = forms.get(form);
    if (alike === undefined) forms.set(form, [update]);
    else alike.push(update);
  }
  return [...forms.values()];
}

function formText({ tensors }: ModelPlan): string {
  return [...tensors]
    .map(([name, { dtype, shape }]) => JSON.stringify([name, dtype, shape]))
    .sort()
    .join();
}
