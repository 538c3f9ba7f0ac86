import { COST, type CreationBudget } from './creation-budget.ts';
import { malformed } from './malformed.ts';
import type { PickleValue } from './pickle-value.ts';

/**
 * What a pickle stream remembered, by slot.
 *
 * Guarantees: a slot far out makes no room for those below it; as in Python, "the next slot" is the number of slots in
 * use, whatever their numbers.
 */
export class PickleMemo {
  /** Slots as picklers give them out: 0, 1, 2, ... */
  readonly #slots: PickleValue[] = [];
  /** Slots out of order: a Map, because a stream may name slot 4 294 967 280. None of them is in `#slots` as well. */
  readonly #strays = new Map<number, PickleValue>();
  readonly #budget: CreationBudget;

  constructor(budget: CreationBudget) {
    this.#budget = budget;
  }

  put(slot: number, value: PickleValue): void {
    if (slot < this.#slots.length) this.#slots[slot] = value;
    else if (slot > this.#slots.length) this.#stray(slot, value);
    else {
      this.#slots.push(value);
      if (this.#strays.size > 0) this.#strays.delete(slot);
    }
  }

  putNext(value: PickleValue): void {
    this.put(this.#slots.length + this.#strays.size, value);
  }

  /** Errors: CorruptError 'bad-memo'. */
  get(slot: number): PickleValue {
    const value = slot < this.#slots.length ? this.#slots[slot] : this.#strays.get(slot);
    if (value !== undefined) return value;
    throw malformed('bad-memo', 'the pickle stream recalls what it never remembered', { slot });
  }

  #stray(slot: number, value: PickleValue): void {
    this.#budget.charge(COST.entry, 'remembered values');
    this.#strays.set(slot, value);
  }
}
