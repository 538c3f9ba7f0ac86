import { join } from 'node:path';
import { z } from 'zod';
import type { Clock } from '../../clock.ts';
import { MilaError } from '../../errors.ts';
import { createStateFile, loadState } from './state-file.ts';

/** The name of the note among a participant's own results. */
export const LIVES_FILE = 'lives.json';

/** How exactly the end of a life that was cut short is known. Units: milliseconds. */
const BEAT_MS = 10_000;
/** The lives that are remembered. */
const LIVES_MAX = 100;

const NOTE = z.object({
  format: z.literal(1),
  /** Units: milliseconds since 1970. */
  lives: z.array(z.object({ fromMs: z.number(), toMs: z.number(), isOver: z.boolean() })),
});

type Life = z.infer<typeof NOTE>['lives'][number];

/** A time in which a program did not run, by its own clock. Units: milliseconds since 1970. */
export interface Absence {
  readonly fromMs: number;
  readonly toMs: number;
  /** `stopped`: by a person, in order; `killed`: by a crash, a power cut, kill -9. */
  readonly how: 'stopped' | 'killed';
}

/**
 * When a program ran in one run, as it remembers on its own disk: nobody else can tell its absence from its silence.
 *
 * Guarantees: a convenience: what cannot be read or written costs nothing but the memory; the end of a life that was cut
 * short is known to ten seconds.
 */
export class Lives {
  readonly #clock: Clock;
  readonly #save: (note: z.infer<typeof NOTE>) => Promise<void>;
  readonly #earlier: readonly Life[];
  #own: Life;
  #writtenAtMs = Number.NEGATIVE_INFINITY;

  private constructor(path: string, clock: Clock, earlier: readonly Life[]) {
    this.#clock = clock;
    this.#earlier = earlier.slice(1 - LIVES_MAX);
    this.#own = { fromMs: clock.now(), toMs: clock.now(), isOver: false };
    const file = createStateFile<z.infer<typeof NOTE>>(path);
    this.#save = (note) => file.save(note).catch(() => undefined);
  }

  /** `results`: the run's folder among the program's own results. */
  static async open(results: string, clock: Clock): Promise<Lives> {
    const path = join(results, LIVES_FILE);
    const note = await loadState(path, NOTE).catch((error: unknown) => {
      if (error instanceof MilaError) return undefined;
      throw error;
    });
    return new Lives(path, clock, note?.lives ?? []);
  }

  /** The program is alive. Writes no more often than every ten seconds. */
  async beat(): Promise<void> {
    const nowMs = this.#clock.monotonic();
    if (nowMs - this.#writtenAtMs < BEAT_MS) return;
    this.#writtenAtMs = nowMs;
    await this.#write(false);
  }

  /** The program ends in order. */
  async end(): Promise<void> {
    await this.#write(true);
  }

  /** Up to when the life before this one is known. Units: milliseconds since 1970; null in the first. */
  get beforeMs(): number | null {
    return this.#earlier.at(-1)?.toMs ?? null;
  }

  /** The absences that ended later than this. Guarantees: in order; none is empty. */
  absencesSince(sinceMs: number): readonly Absence[] {
    const lives = [...this.#earlier, this.#own];
    const absences = lives.slice(1).map(({ fromMs: toMs }, index): Absence => {
      const { toMs: fromMs = toMs, isOver = false } = lives[index] ?? {};
      return { fromMs, toMs, how: isOver ? 'stopped' : 'killed' };
    });
    return absences.filter(({ fromMs, toMs }) => toMs > fromMs && toMs > sinceMs);
  }

  async #write(isOver: boolean): Promise<void> {
    this.#own = { ...this.#own, toMs: Math.max(this.#own.fromMs, this.#clock.now()), isOver };
    await this.#save({ format: 1, lives: [...this.#earlier, this.#own] });
  }
}
