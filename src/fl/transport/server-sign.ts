import { z } from 'zod';
import type { Clock } from '../../clock.ts';
import type { Awaited } from '../round/awaited.ts';
import { runPaths } from '../round/run-folder.ts';
import type { ServerPhase } from '../round/server-state.ts';
import { roundOf } from '../round/server-state.ts';
import type { Lives } from './lives.ts';
import { type WrittenAbsence, writtenAbsence } from './side-file.ts';
import type { Workdir } from './workdir.ts';

/** The participants that are named. */
const PARTICIPANTS_MAX = 100;

const SIGN = z.object({
  written_at: z.iso.datetime(),
  /** When the next one is due, whatever happens; the server writes earlier when it has more to say. */
  next_due_at: z.iso.datetime(),
  round: z.number().int().nullable().catch(null),
  /** Whom the server waits for. */
  participants: z.array(z.string()).max(PARTICIPANTS_MAX).catch([]),
});

/** A server's sign of life, as its clients read it. Units: milliseconds since 1970, by the server's clock. */
export interface ServerSign {
  readonly writtenAtMs: number;
  readonly nextDueAtMs: number;
  readonly round: number | null;
  /** Whom it waits for. */
  readonly participants: readonly string[];
}

/** Read a sign of life; undefined when it is none. */
export function parseServerSign(text: string | undefined): ServerSign | undefined {
  if (text === undefined) return undefined;
  try {
    const { written_at, next_due_at, ...rest } = SIGN.parse(JSON.parse(text));
    return { writtenAtMs: Date.parse(written_at), nextDueAtMs: Date.parse(next_due_at), ...rest };
  } catch {
    return undefined;
  }
}

/** How late a sign of life may be: it has to come through the shared folder. Units: milliseconds. */
const SIGN_DELAY_MAX_MS = 120_000;

/** Whether a server should have been heard since. Units: milliseconds since 1970; null is due at no time. */
export function isOverdue(dueAtMs: number | null, nowMs: number): boolean {
  return dueAtMs !== null && nowMs > dueAtMs + SIGN_DELAY_MAX_MS;
}

interface SignOptions {
  readonly workdir: Workdir;
  readonly run: string;
  readonly clock: Clock;
  readonly lives: Lives;
  /** How long the server may be silent. Units: milliseconds. */
  readonly statusFrequencyMs?: number;
}

const FREQUENCY_MS = 900_000;

/** What a step of the server came to, as far as its sign of life tells. */
export interface SignedStep {
  readonly phase: ServerPhase;
  readonly awaited: Awaited | null;
  /** True when this step writes something else that tells everybody of the server. */
  readonly writesAnyway: boolean;
}

/**
 * Shows in the folder that the server runs: at its start, and whenever it has written nothing for so long.
 *
 * Guarantees: costs one small file at most every `statusFrequencyMs`, and none while rounds are shorter than that.
 */
export class ServerSigns {
  readonly #options: SignOptions;
  #writtenAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: SignOptions) {
    this.#options = options;
  }

  /** When the next sign is due. Units: monotonic milliseconds. */
  get dueAtMs(): number {
    return this.#writtenAtMs + this.#frequencyMs;
  }

  get #frequencyMs(): number {
    return this.#options.statusFrequencyMs ?? FREQUENCY_MS;
  }

  /** Errors: those of the folder. */
  async show({ phase, awaited, writesAnyway }: SignedStep): Promise<void> {
    const { workdir, run, clock } = this.#options;
    const nowMs = clock.monotonic();
    const isFirst = this.#writtenAtMs === Number.NEGATIVE_INFINITY;
    if (writesAnyway && !isFirst) {
      this.#writtenAtMs = nowMs;
      return;
    }
    if (nowMs < this.dueAtMs) return;
    await workdir.write(
      runPaths.status(run),
      `${JSON.stringify(this.#sign(phase, awaited), undefined, 1)}\n`,
    );
    this.#writtenAtMs = nowMs;
  }

  #sign(phase: ServerPhase, awaited: Awaited | null) {
    const { clock, lives } = this.#options;
    const nowMs = clock.now();
    const absences: readonly WrittenAbsence[] = lives.absencesSince(0).slice(-20).map(writtenAbsence);
    return {
      written_at: new Date(nowMs).toISOString(),
      next_due_at: new Date(nowMs + this.#frequencyMs).toISOString(),
      round: roundOf(phase),
      participants: awaited?.participants.slice(0, PARTICIPANTS_MAX) ?? [],
      absences,
    };
  }
}
