import type { Dice } from '../support/random-pickles.ts';

/** Something that reads what others wrote, and must hold whatever they wrote. */
export interface FuzzTarget {
  readonly name: string;
  /** One input, from chance alone: the same dice give the same bytes. */
  readonly make: (dice: Dice) => Uint8Array;
  /** Read it. Expected refusals are caught here; whatever is thrown is a fault. */
  readonly read: (input: Uint8Array, scratch: string) => Promise<void> | void;
  /** The longest that one input may take. Units: milliseconds. */
  readonly timeMaxMs: number;
  /** The most that memory may grow over a run. Units: megabytes. */
  readonly memoryMaxMegabytes: number;
}
