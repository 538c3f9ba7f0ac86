import type { CheckpointLimits } from './limits.ts';
import { malformed } from './malformed.ts';

/** What making each kind of value costs, a little above what V8 takes for it. Units: bytes. */
export const COST = {
  /** An item of a list, a tuple or a set, with the room that a growing array keeps. */
  item: 16,
  tuple: 80,
  /** Lists and sets: an array that grows has room for seventeen items at once. */
  list: 200,
  dict: 56,
  /** The first entry brings the table along. */
  firstEntry: 200,
  entry: 56,
  /** On top of its length. */
  text: 24,
  /** Bytes have a buffer of their own, which is the dearest of all small objects. On top of their length. */
  bytes: 220,
  number: 32,
  /** A name, an inert object, a complex number. */
  node: 64,
  storage: 160,
  tensor: 160,
  /** Of a tensor, size and stride together: what is done with a tensor later is done for each of them. */
  dimension: 16,
  /** A value listed with its path. */
  leaf: 200,
  /** A record of the archive. */
  record: 256,
  /** A fact of a module that goes on into the aggregate: dear, because everybody is sent it. */
  metadata: 256,
  /** Each byte of an inflated pickle stream: its instructions may each leave something. */
  inflatedPickle: 8,
} as const;

/**
 * What may be made out of one checkpoint: one account for all of its readers, charged before each creation.
 *
 * A stream of a few kilobytes can recall one long text a million times, so its length says nothing of what it makes.
 * Guarantees: memory is bounded by the limits' bytes, whatever the file says; for a file of 100 kB it is some 50 MB.
 * Errors: CorruptError 'over-budget', naming what was too much.
 */
export class CreationBudget {
  /** Length of the file. Units: bytes. */
  readonly fileBytes: number;
  readonly #limits: CheckpointLimits;
  readonly #bytesMax: number;
  #spent = 0;
  #inflated = 0;

  constructor(fileBytes: number, limits: CheckpointLimits) {
    this.fileBytes = fileBytes;
    this.#limits = limits;
    const { createdBytesMin, createdBytesPerByte, createdBytesMax } = limits;
    this.#bytesMax = Math.min(createdBytesMax, createdBytesMin + createdBytesPerByte * fileBytes);
  }

  /** What was spent so far. Units: bytes. */
  get spentBytes(): number {
    return this.#spent;
  }

  /** Account for something that is about to be made. Units: bytes. */
  charge(bytes: number, what: string): void {
    this.#spent += bytes;
    if (this.#spent > this.#bytesMax)
      throw malformed('over-budget', `the checkpoint makes too much out of its size: too many ${what}`, {
        what,
        max: this.#bytesMax,
        fileBytes: this.fileBytes,
      });
  }

  /** Go back to an earlier account: what was made since then is gone. */
  rewind(spentBytes: number): void {
    this.#spent = spentBytes;
  }

  /** Account for a record to be inflated: each time counts, so that no record is worth inflating again and again. */
  inflate(bytes: number, name: string): void {
    this.#inflated += bytes;
    const max = this.#limits.unfoldedBytesMin + this.unfoldedBytesMax;
    if (this.#inflated > max)
      throw malformed('over-budget', `the checkpoint inflates to too much: more than ${max} bytes`, {
        what: 'inflated bytes',
        record: name,
        max,
      });
  }

  /** Most bytes of all tensors together, each written out in full. */
  get unfoldedBytesMax(): number {
    const { unfoldedBytesMin, unfoldedBytesPerByte } = this.#limits;
    return unfoldedBytesMin + unfoldedBytesPerByte * this.fileBytes;
  }

  /** Compare what all tensors together come to with what the file holds. */
  assertUnfolds(bytes: number): void {
    const max = this.unfoldedBytesMax;
    if (bytes > max)
      throw malformed(
        'over-budget',
        `the checkpoint's tensors come to ${bytes} bytes, in a file of ${this.fileBytes}: at most ${max} are taken`,
        { what: "tensors' bytes", max, fileBytes: this.fileBytes },
      );
  }
}
