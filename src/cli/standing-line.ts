import type { Clock, Timer } from '../clock.ts';
import { durationText } from '../fl/report/quantities.ts';
import type { FederationEvent } from '../fl/round/event.ts';
import type { Output } from './output.ts';

/** A wait that is over sooner is worth no line of its own. */
const PASSING_WAIT_MS = 5_000;
/** How often the last line of a terminal is drawn anew. */
const TICK_MS = 10_000;
/** After so long with nothing new, a line says that it still holds; then each time after as long again. */
const REMIND_MS = 30 * 60_000;
/** But at least this often. */
const REMIND_MAX_MS = 4 * 60 * 60_000;

/** With these something new begins, so that what is awaited next is awaited from here on. */
const BEGINNINGS: ReadonlySet<FederationEvent['event']> = new Set([
  'run-created',
  'run-resumed',
  'run-joined',
  'admitted',
  'round-started',
  'trained',
  'uploaded',
  'aggregated',
]);

/** What is awaited or under way, with what it is told by; undefined for an event that leaves that as it is. */
function standingOf(event: FederationEvent): string | undefined {
  if (event.event === 'waiting') return `waiting for ${event.what}`;
  if (event.event === 'training') return `training ${event.round}`;
  return undefined;
}

/**
 * Says what is awaited or trained, and for how long: on the last line of a terminal all the time; a wait as a line that
 * stays once it lasts a few seconds; that either goes on still after half an hour, then ever more rarely.
 *
 * Guarantees: whoever looks, at any moment, sees since when nothing new has happened.
 */
export class StandingLine {
  readonly #output: Output;
  readonly #clock: Clock;
  #standing: { readonly key: string; line: string } | undefined;
  #sinceMs: number;
  #toldMs: number;
  #timer: Timer | undefined;
  /** Runs while the present wait has no line that stays. */
  #unsettled: Timer | undefined;
  /** How long the last training took, and the last wait. Units: milliseconds. */
  readonly #lastMs = new Map<'training' | 'waiting', number>();
  /** Where the output of the training goes. */
  #outputPath: string | undefined;

  constructor({ output, clock }: { readonly output: Output; readonly clock: Clock }) {
    this.#output = output;
    this.#clock = clock;
    this.#sinceMs = clock.monotonic();
    this.#toldMs = this.#sinceMs;
  }

  /** Something is awaited from now on. */
  awaits(event: FederationEvent, line: string): void {
    this.told(event, line, true);
    this.#unsettled?.cancel();
    this.#unsettled = this.#clock.after(PASSING_WAIT_MS, () => this.#output.note(line));
    this.#output.passing?.(line);
  }

  /** An event was told by this line; `stays` is false for one that the next replaces. */
  told(event: FederationEvent, line: string, stays: boolean): void {
    if (event.event === 'ended') {
      this.close();
      return;
    }
    const nowMs = this.#clock.monotonic();
    if (stays) this.#toldMs = nowMs;
    this.#learn(event, nowMs);
    if (BEGINNINGS.has(event.event)) {
      this.#sinceMs = nowMs;
      this.#unsettled?.cancel();
    }
    const key = standingOf(event);
    if (key === undefined) return;
    if (key !== this.#standing?.key && event.event === 'training') this.#sinceMs = nowMs;
    this.#standing = { key, line };
    this.#timer ??= this.#clock.after(this.#tickMs, this.#tick);
  }

  /** What a person compares the present wait with. */
  #learn(event: FederationEvent, nowMs: number): void {
    if (event.event === 'training-output') this.#outputPath = event.path;
    if (event.event === 'trained') this.#lastMs.set('training', event.seconds * 1000);
    if (event.event === 'trained' || event.event === 'training-failed') this.#outputPath = undefined;
    if (event.event === 'round-started' && this.#standing?.key === 'waiting for aggregate')
      this.#lastMs.set('waiting', nowMs - this.#sinceMs);
  }

  #lastText(): string {
    const key = this.#standing?.key ?? '';
    const what = key.startsWith('training') ? 'training' : 'waiting';
    const lastMs =
      what === 'training' || key === 'waiting for aggregate' ? this.#lastMs.get(what) : undefined;
    return lastMs === undefined ? '' : `; the last took ${durationText(lastMs)}`;
  }

  /** Idempotent. */
  close(): void {
    this.#unsettled?.cancel();
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#standing = undefined;
  }

  get #tickMs(): number {
    return this.#output.interactive ? TICK_MS : REMIND_MS;
  }

  readonly #tick = (): void => {
    if (this.#standing === undefined) return;
    const nowMs = this.#clock.monotonic();
    const forText = `${durationText(nowMs - this.#sinceMs)}${this.#lastText()}`;
    const remindMs = Math.min(REMIND_MAX_MS, Math.max(REMIND_MS, this.#toldMs - this.#sinceMs));
    if (nowMs - this.#toldMs >= remindMs) {
      this.#toldMs = nowMs;
      const isOfProgram = this.#standing.key.startsWith('training') && this.#outputPath !== undefined;
      const where = isOfProgram ? `; its output is in ${this.#outputPath}` : '';
      this.#output.note(`still, for ${forText}: ${this.#standing.line}${where}`);
    } else this.#output.passing?.(`(${forText}) ${this.#standing.line}`);
    this.#timer = this.#clock.after(this.#tickMs, this.#tick);
  };
}
