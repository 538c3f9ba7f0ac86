import type { CheckpointLimits } from './limits.ts';
import { PickleMachine } from './pickle-machine.ts';
import type { PickleValue } from './pickle-value.ts';
import { type ModelPlan, modelOf } from './state-dict-plan.ts';

/** A longer stream is not kept for comparison. Units: bytes. */
const KEPT_BYTES_MAX = 4 * 1024 * 1024;

interface Decoded {
  readonly bytes: Buffer;
  readonly value: PickleValue;
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
  #last: Decoded | undefined;

  constructor(limits: CheckpointLimits) {
    this.#limits = limits;
  }

  /** Errors: CorruptError, as the machine's. */
  decode(bytes: Buffer): PickleValue {
    if (this.#last?.bytes.equals(bytes) === true) return this.#last.value;
    const { value } = new PickleMachine(bytes, 0, this.#limits).run();
    this.#last = bytes.length <= KEPT_BYTES_MAX ? { bytes, value, model: undefined } : undefined;
    return value;
  }

  /** The model of a decoded checkpoint. Errors: as `modelOf`. */
  model(root: PickleValue): ModelPlan {
    const last = this.#last;
    if (last === undefined || last.value !== root) return modelOf(root, this.#limits);
    last.model ??= modelOf(root, this.#limits);
    return last.model;
  }
}
