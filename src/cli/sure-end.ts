/** How long the system may take to let go of a program that is done. Units: milliseconds. */
const LETTING_GO_MS = 5_000;

/** What an end that does not come by itself needs. */
interface EndingProgram {
  /** Call back after so many milliseconds, if the program lives then; the wait itself must not keep it alive. */
  readonly later: (callback: () => void, delayMs: number) => void;
  /** What was said and has not gone out yet, such as to a reader that takes its time. Units: bytes. */
  readonly unsaidBytes: () => number;
  /** What the system still holds for this program, by its kinds. */
  readonly held: () => readonly string[];
  /** A word to the person. */
  readonly tell: (words: string) => void;
  /** End, with the exit code that stands. */
  readonly end: () => void;
}

/**
 * Have a program that is done end, also where something that it no longer knows of keeps it alive: a mount that does not
 * end keeps whoever stopped it waiting.
 *
 * Guarantees: nothing that was said is cut off; a program that ends by itself is not kept.
 */
export function endSurely({ later, unsaidBytes, held, tell, end }: EndingProgram): void {
  const look = () => {
    if (unsaidBytes() > 0) {
      later(look, LETTING_GO_MS);
      return;
    }
    tell(`this program was done and did not end by itself: ${[...new Set(held())].sort().join(', ')}`);
    end();
  };
  later(look, LETTING_GO_MS);
}
