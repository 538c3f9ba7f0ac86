import { malformed } from './malformed.ts';
import type { PickleValue } from './pickle-value.ts';

/**
 * The stack of a pickle stream, with its marks.
 *
 * Guarantees: nothing below the last mark is ever taken.
 * Errors: CorruptError 'bad-stack' for taking from an empty stack.
 */
export class PickleStack {
  readonly #values: PickleValue[] = [];
  /** Heights at which a mark stands. */
  readonly #marks: number[] = [];
  /** The height that nothing may be taken below: the last mark. */
  #base = 0;

  push(value: PickleValue): void {
    this.#values.push(value);
  }

  pop(): PickleValue {
    const value = this.#values.length > this.#base ? this.#values.pop() : undefined;
    if (value === undefined) throw underflow();
    return value;
  }

  top(): PickleValue {
    const value = this.#values.length > this.#base ? this.#values[this.#values.length - 1] : undefined;
    if (value === undefined) throw underflow();
    return value;
  }

  mark(): void {
    this.#base = this.#values.length;
    this.#marks.push(this.#base);
  }

  /** Take everything above the last mark, and the mark. */
  popToMark(): PickleValue[] {
    return this.#values.splice(this.#unmark());
  }

  /** Take the last values, the oldest first. */
  popMany(count: number): PickleValue[] {
    const values = new Array<PickleValue>(count);
    for (let index = count - 1; index >= 0; index -= 1) values[index] = this.pop();
    return values;
  }

  /** POP also takes back a mark that nothing was pushed onto. */
  discard(): void {
    if (this.#marks.length > 0 && this.#base === this.#values.length) this.#unmark();
    else this.pop();
  }

  /** The stream's one value. Errors: CorruptError 'bad-stack' for values left over. */
  finish(): PickleValue {
    const value = this.pop();
    if (this.#values.length > 0 || this.#marks.length > 0)
      throw malformed('bad-stack', 'the pickle stream ends with values left over');
    return value;
  }

  #unmark(): number {
    const height = this.#marks.pop();
    if (height === undefined) throw underflow();
    this.#base = this.#marks[this.#marks.length - 1] ?? 0;
    return height;
  }
}

function underflow() {
  return malformed('bad-stack', 'the pickle stream takes from an empty stack');
}
