import { type Clock, delay } from '../../clock.ts';
import { CorruptError } from '../../errors.ts';
import type { FolderChange } from './recorded-folder.ts';
import { RecordedFolder } from './recorded-folder.ts';
import type { RecordingLine } from './recording-line.ts';

/** Where a recording is played to. */
export interface ReplayTarget {
  /** Called once, before the first change. */
  begin(rootPath: readonly string[]): Promise<void>;
  /** Make a change. Returns false when its content is not known and something of its length stands in. */
  apply(change: FolderChange): Promise<boolean>;
}

export interface ReplayOptions {
  readonly lines: AsyncIterable<RecordingLine>;
  readonly target: ReplayTarget;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** How many recorded seconds pass in one; 'max' does not wait at all. */
  readonly speed: number | 'max';
  /** Nothing later than this is played. Units: milliseconds since 1970, or from the recording's first line. */
  readonly until: { readonly atMs: number } | { readonly afterMs: number } | null;
  /** Which changes are played; default: all. */
  readonly wanted?: (change: FolderChange) => boolean;
  /** Called before each change; false ends the replay. For going step by step. */
  readonly step?: (change: FolderChange) => Promise<boolean>;
  readonly onChange?: (change: FolderChange) => void;
}

/** What was played. Units: milliseconds since 1970. */
export interface ReplaySummary {
  readonly changes: number;
  /** Files whose content the recording does not hold. */
  readonly unknownContents: number;
  readonly firstAtMs: number | null;
  readonly lastAtMs: number | null;
}

function limitOf(until: ReplayOptions['until'], firstAtMs: number): number {
  if (until === null) return Number.POSITIVE_INFINITY;
  return 'atMs' in until ? until.atMs : firstAtMs + until.afterMs;
}

/** Waits as long as the recording did between two of its lines. */
class Pace {
  readonly #options: ReplayOptions;
  #began: { readonly atMs: number; readonly monotonicMs: number } | null = null;

  constructor(options: ReplayOptions) {
    this.#options = options;
  }

  async reach(atMs: number): Promise<void> {
    const { clock, signal, speed } = this.#options;
    if (speed === 'max') return;
    this.#began ??= { atMs, monotonicMs: clock.monotonic() };
    const dueMs = this.#began.monotonicMs + (atMs - this.#began.atMs) / speed;
    const waitMs = dueMs - clock.monotonic();
    if (waitMs > 0) await delay(clock, waitMs, signal);
  }
}

/** Plays line after line, until it is told to stop. */
class Player {
  readonly #options: ReplayOptions;
  readonly #folder = new RecordedFolder();
  readonly #pace: Pace;
  #hasBegun = false;
  #limitMs = Number.POSITIVE_INFINITY;
  #summary: ReplaySummary = { changes: 0, unknownContents: 0, firstAtMs: null, lastAtMs: null };

  constructor(options: ReplayOptions) {
    this.#options = options;
    this.#pace = new Pace(options);
  }

  get summary(): ReplaySummary {
    return this.#summary;
  }

  /** Play what a line changes. Returns false when the replay ends with it. */
  async play(line: RecordingLine): Promise<boolean> {
    const { signal, until, wanted = () => true } = this.#options;
    if (this.#summary.firstAtMs === null) {
      this.#summary = { ...this.#summary, firstAtMs: line.at_ms };
      this.#limitMs = limitOf(until, line.at_ms);
    }
    if (line.at_ms > this.#limitMs || signal.aborted) return false;
    const changes = this.#folder.apply(line).filter(wanted);
    if (line.kind === 'begin' && line.n === 0) await this.#begin();
    if (!this.#hasBegun)
      throw new CorruptError({
        code: 'recording-damaged',
        message: 'the recording does not begin with the begin of a session',
      });
    for (const change of changes) if (!(await this.#make(change))) return false;
    return true;
  }

  /** A mount that was started again goes on in the same recording. */
  async #begin(): Promise<void> {
    if (!this.#hasBegun) await this.#options.target.begin(this.#folder.rootPath);
    this.#hasBegun = true;
  }

  async #make(change: FolderChange): Promise<boolean> {
    const { signal, step, target, onChange } = this.#options;
    await this.#pace.reach(change.atMs);
    if (signal.aborted || (step !== undefined && !(await step(change)))) return false;
    const isKnown = await target.apply(change);
    const { changes, unknownContents } = this.#summary;
    this.#summary = {
      ...this.#summary,
      changes: changes + 1,
      unknownContents: unknownContents + (isKnown ? 0 : 1),
      lastAtMs: change.atMs,
    };
    onChange?.(change);
    return true;
  }
}

/**
 * Play a recording: every change of the shared folder, in the order in which the recording mount came to know it.
 *
 * Guarantees: the same recording makes the same changes; ends between two changes when the signal is aborted.
 * Errors: CorruptError when the recording is damaged; what the target throws.
 */
export async function replay(options: ReplayOptions): Promise<ReplaySummary> {
  const player = new Player(options);
  for await (const line of options.lines) if (!(await player.play(line))) break;
  return player.summary;
}
