import type { CreationBudget } from './creation-budget.ts';
import type { CheckpointLimits } from './limits.ts';
import { PickleMachine, type PickleResult } from './pickle-machine.ts';
import type { PickleValue } from './pickle-value.ts';
import { type ModelPlan, modelOf } from './state-dict-plan.ts';

/** A longer stream is not kept for comparison. Units: bytes. */
const KEPT_BYTES_MAX = 4 * 1024 * 1024;

/** What a pickle stream holds. */
export type DecodedPickle = Pick<PickleResult, 'value' | 'foreign'>;

interface Kept extends DecodedPickle {
  readonly bytes: Buffer;
  model: ModelPlan | undefined;
}

/**
 * Decodes the pickle streams of checkpoints that belong together, a stream that equals the one before it only once.
 *
 * Updates of one round differ in their storages, and often in nothing else: decoding is then the larger part of
 * opening them. Guarantees: what is shared is never changed; one stream is kept at most.
 */
export class PickleDecoder {
  readonly #limits: CheckpointLimits;
  #last: Kept | undefined;

  constructor(limits: CheckpointLimits) {
    this.#limits = limits;
  }

  /** Errors: CorruptError, as the machine's. */
  decode(bytes: Buffer, budget?: CreationBudget): PickleValue {
    return this.decodeAll(bytes, budget).value;
  }

  /** As `decode`, with the names that the stream mentions. What is known already costs nothing. */
  decodeAll(bytes: Buffer, budget?: CreationBudget): DecodedPickle {
    if (this.#last?.bytes.equals(bytes) === true) return this.#last;
    const { value, foreign } = new PickleMachine(bytes, 0, this.#limits, budget).run();
    this.#last = bytes.length <= KEPT_BYTES_MAX ? { bytes, value, foreign, model: undefined } : undefined;
    return { value, foreign };
  }

  /** The model of a decoded checkpoint. Errors: as `modelOf`. */
  model(root: PickleValue, budget?: CreationBudget): ModelPlan {
    const last = this.#last;
    if (last === undefined || last.value !== root) return modelOf(root, this.#limits, budget);
    last.model ??= modelOf(root, this.#limits, budget);
    return last.model;
  }
}
