import { join } from 'node:path';
import { z } from 'zod';
import type { Clock } from '../../clock.ts';
import { MilaError } from '../../errors.ts';
import type { Lives } from './lives.ts';
import type { WrittenAbsence } from './side-file.ts';
import { writtenAbsence } from './side-file.ts';
import { createStateFile, loadState } from './state-file.ts';

/** The name of the note among a client's results. */
export const ROUND_ACCOUNT_FILE = 'round.account.json';

/** The attempts that a side file tells. */
const ATTEMPTS_MAX = 20;

const OUTCOMES = ['trained', 'failed', 'stopped', 'interrupted'] as const;

const NOTE = z.object({
  format: z.literal(1),
  round: z.number(),
  /** From when on absences concern this round. Units: milliseconds since 1970. */
  sinceMs: z.number(),
  receivedMs: z.number(),
  attempts: z.array(
    z.object({ fromMs: z.number(), toMs: z.number().nullable(), outcome: z.enum(OUTCOMES).nullable() }),
  ),
});

type Note = z.infer<typeof NOTE>;

/** How a training came out; `stopped`: by a newer round, or with the client; `interrupted`: the client was killed in it. */
export type Outcome = (typeof OUTCOMES)[number];

/** A client's account of its round, as its side file tells it. Times: ISO 8601 in UTC, by the client's clock. */
export interface RoundAccount {
  /** When the round's model was here. */
  readonly received_at: string;
  readonly attempts: readonly { readonly from: string; readonly to: string; readonly outcome: Outcome }[];
  /** When the client did not run. */
  readonly absences: readonly WrittenAbsence[];
}

const iso = (ms: number) => new Date(ms).toISOString();

/**
 * Keeps a client's account of the round that it works on, over restarts.
 *
 * Guarantees: a convenience: what cannot be read or written costs nothing but the account.
 */
export class RoundAccounts {
  readonly #clock: Clock;
  readonly #lives: Lives;
  readonly #path: string;
  readonly #save: (note: Note) => Promise<void>;
  #note: Note | undefined;

  /** `results`: the run's folder among the client's own results. */
  constructor(results: string, { clock, lives }: { readonly clock: Clock; readonly lives: Lives }) {
    this.#clock = clock;
    this.#lives = lives;
    this.#path = join(results, ROUND_ACCOUNT_FILE);
    const file = createStateFile<Note>(this.#path);
    this.#save = (note) => file.save(note).catch(() => undefined);
  }

  /** A training begins: the round's model is here. */
  async begin(round: number): Promise<void> {
    const nowMs = this.#clock.now();
    const before = this.#note ?? (await this.#load());
    const attempts = before?.round === round ? this.#settled(before.attempts) : [];
    this.#note = {
      format: 1,
      round,
      sinceMs: before?.round === round ? before.sinceMs : (before?.receivedMs ?? 0),
      receivedMs: before?.round === round ? before.receivedMs : nowMs,
      attempts: [...attempts.slice(1 - ATTEMPTS_MAX), { fromMs: nowMs, toMs: null, outcome: null }],
    };
    await this.#save(this.#note);
  }

  /** The training that began last has ended. */
  async end(outcome: Outcome): Promise<void> {
    const last = this.#note?.attempts.at(-1);
    if (this.#note === undefined || last === undefined || last.toMs !== null) return;
    const ended = { ...last, toMs: this.#clock.now(), outcome };
    this.#note = { ...this.#note, attempts: [...this.#note.attempts.slice(0, -1), ended] };
    await this.#save(this.#note);
  }

  /** What the side file of a round's update tells; undefined where nothing is known of that round. */
  async of(round: number): Promise<RoundAccount | undefined> {
    const note = this.#note ?? (await this.#load());
    if (note?.round !== round) return undefined;
    return {
      received_at: iso(note.receivedMs),
      attempts: this.#settled(note.attempts).map(({ fromMs, toMs, outcome }) => ({
        from: iso(fromMs),
        to: iso(toMs ?? fromMs),
        outcome: outcome ?? 'interrupted',
      })),
      absences: this.#lives.absencesSince(note.sinceMs).map(writtenAbsence),
    };
  }

  /** An attempt that nobody ended was cut short with the life before this one. */
  #settled(attempts: Note['attempts']): Note['attempts'] {
    return attempts.map((attempt) => {
      if (attempt.toMs !== null) return attempt;
      const toMs = Math.max(attempt.fromMs, this.#lives.beforeMs ?? attempt.fromMs);
      return { ...attempt, toMs, outcome: 'interrupted' as const };
    });
  }

  async #load(): Promise<Note | undefined> {
    return loadState(this.#path, NOTE).catch((error: unknown) => {
      if (error instanceof MilaError) return undefined;
      throw error;
    });
  }
}
