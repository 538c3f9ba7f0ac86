import { CorruptError, type MilaError, messageOf, RoundError } from '../../errors.ts';
import type { Dtype } from '../tensor/tensor.ts';
import { Checkpoint } from '../torch/checkpoint-reader.ts';
import { DEFAULT_LIMITS } from '../torch/limits.ts';
import { PickleDecoder } from '../torch/pickle-decoder.ts';
import type { ModelPlan } from '../torch/state-dict-plan.ts';
import type { AggregationInput, RefusedUpdate } from './aggregator.ts';

/** An update whose checkpoint is open and readable. */
export interface OpenUpdate {
  readonly input: AggregationInput;
  readonly checkpoint: Checkpoint;
  readonly model: ModelPlan;
}

/** Dtype and shape in one comparable word. */
export function signature(dtype: Dtype, shape: readonly number[]): string {
  return `${dtype} [${shape.join(', ')}]`;
}

/**
 * The updates of one aggregation, opened, in the order in which they are combined.
 *
 * Guarantees: sorted by participant name, whatever the order of arrival; an update that cannot be read is refused by
 * name and closed; `close` closes the rest and is idempotent.
 */
export class InputSet {
  readonly updates: OpenUpdate[];
  readonly refused: RefusedUpdate[];
  readonly #decoder = new PickleDecoder(DEFAULT_LIMITS);

  private constructor(updates: OpenUpdate[], refused: RefusedUpdate[]) {
    this.updates = updates;
    this.refused = refused;
  }

  static async open(inputs: readonly AggregationInput[]): Promise<InputSet> {
    const set = new InputSet([], []);
    const sorted = inputs.toSorted((a, b) => (a.participant < b.participant ? -1 : 1));
    try {
      for (const input of sorted) await set.#openOne(input);
    } catch (error) {
      set.close();
      throw error;
    }
    return set;
  }

  async #openOne(input: AggregationInput): Promise<void> {
    let checkpoint: Checkpoint | undefined;
    try {
      checkpoint = await Checkpoint.open(input.path, { decoder: this.#decoder });
      await assertChecked(checkpoint, input);
      this.updates.push({ input, checkpoint, model: checkpoint.model() });
      checkpoint.releaseTree();
    } catch (error) {
      checkpoint?.close();
      if (!(error instanceof CorruptError)) throw error;
      this.refused.push(refusalOf(input, error));
    }
  }

  /** Leave an update out. */
  refuse(update: OpenUpdate, refusal: RefusedUpdate): void {
    this.refused.push(refusal);
    this.updates.splice(this.updates.indexOf(update), 1);
    update.checkpoint.close();
  }

  /** Errors: RoundError 'no-updates' | 'too-few-updates', naming why the others were refused. */
  assertAtLeast(count: number): void {
    if (this.updates.length >= count) return;
    const reasons = this.refused.map(({ participant, message }) => `${participant}: ${message}`);
    const none = this.updates.length === 0;
    const head = none
      ? 'no usable update to aggregate'
      : `${this.updates.length} usable updates, where this rule needs ${count}`;
    throw new RoundError({
      code: none ? 'no-updates' : 'too-few-updates',
      message: [head, ...reasons].join('\n  '),
      data: { refused: this.refused, usable: this.updates.length, needed: count },
    });
  }

  close(): void {
    for (const { checkpoint } of this.updates) checkpoint.close();
  }
}

/** Errors: CorruptError 'changed-since-check' when what was opened is not what was checked. */
async function assertChecked({ source }: Checkpoint, { checked }: AggregationInput): Promise<void> {
  if (checked === undefined || checked.facts === source.facts) return;
  // The same bytes may stand there anew: a mount that brought them again, a server that was restarted.
  if ((await source.sha256()) === checked.sha256) return;
  throw new CorruptError({
    code: 'changed-since-check',
    message: 'the file was exchanged after it was checked, so it is left out',
  });
}

function refusalOf(input: AggregationInput, error: MilaError): RefusedUpdate {
  return { participant: input.participant, reason: error.code, message: messageOf(error) };
}
