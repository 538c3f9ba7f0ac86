import { MultiBar, type SingleBar } from 'cli-progress';
import { isRecord } from '../fl/config/json-text.ts';
import { terminalLine } from '../terminal-text.ts';
import type { ChildEvent } from './child-program.ts';
import { metricsText } from './federation-text.ts';
import { barStream, type Output } from './output.ts';
import { timeOfDay } from './time-stamps.ts';

/** What a person sees while a whole federation runs on this machine. */
export interface SessionView {
  /** A step before or after the federation itself. */
  phase(text: string): void;
  /** Something that a site's federation program told. */
  event(site: string, event: ChildEvent): void;
  /** Give the terminal back; idempotent. */
  close(): void;
}

/** Who takes part, and in what. */
export interface SessionShape {
  /** The server first, then the clients, as they are shown. */
  readonly sites: readonly string[];
  readonly rounds: number;
  /** What a site trains on: "digits". */
  readonly samples: string;
}

/** Steps of a bar per round. */
const STEPS = 100;

const numberIn = (event: ChildEvent, key: string): number => {
  const value = event[key];
  return typeof value === 'number' ? value : 0;
};

/** What went wrong, in a line; undefined for an event that tells of something else. */
function troubleOf(site: string, event: ChildEvent): string | undefined {
  const round = numberIn(event, 'round');
  switch (event.event) {
    case 'training-failed':
    case 'participant-lost':
    case 'update-refused':
      return `${site}: round ${round}: ${event.event} ${String(event['message'] ?? event['participant'] ?? '')}`;
    case 'registration-refused':
      return `${site}: ${String(event['participant'] ?? '')}: ${String(event['message'] ?? '')}`;
    default:
      return undefined;
  }
}

/** The metrics that an event tells, to be put behind its line. */
function figures({ metrics }: ChildEvent): string {
  const known = isRecord(metrics)
    ? Object.entries(metrics).filter(([, value]) => typeof value === 'number')
    : [];
  return known.length === 0 ? '' : `: ${metricsText(Object.fromEntries(known) as Record<string, number>)}`;
}

/** A training that is done: on how much, how long, and with which figures, as far as it told them. */
function trainedLine(site: string, event: ChildEvent, samples: string): string {
  const { samples: count } = event;
  const on = typeof count === 'number' ? ` on ${count} ${samples}` : '';
  const seconds = numberIn(event, 'seconds').toFixed(1);
  return `${site}: round ${numberIn(event, 'round')} trained${on} in ${seconds} s${figures(event)}`;
}

/** Plain lines, for pipes and logs: what begins and what is done, no percentages. */
function lineOf(site: string, event: ChildEvent, samples: string): string | undefined {
  const round = numberIn(event, 'round');
  switch (event.event) {
    case 'admitted':
      return `${site}: admitted`;
    case 'round-started':
      return site === 'server' ? `server: round ${round} begins` : undefined;
    case 'trained':
      return trainedLine(site, event, samples);
    case 'aggregated':
      return `server: round ${round} aggregated${figures(event)}`;
    case 'ended':
      return `${site}: ended, ${String(event['message'] ?? event['reason'] ?? '')}`;
    default:
      return troubleOf(site, event);
  }
}

class LineView implements SessionView {
  readonly #output: Output;
  readonly #samples: string;

  constructor(output: Output, { samples }: SessionShape) {
    this.#output = output;
    this.#samples = samples;
  }

  phase(text: string): void {
    this.#output.note(text);
  }

  event(site: string, event: ChildEvent): void {
    const line = lineOf(site, event, this.#samples);
    if (line !== undefined) this.#output.note(line);
  }

  close(): void {}
}

/** How far a site is, as a bar shows it; undefined when an event changes nothing. */
function progressOf(event: ChildEvent): { readonly steps: number; readonly state: string } | undefined {
  const round = numberIn(event, 'round');
  const done = (round - 1) * STEPS;
  switch (event.event) {
    case 'registered':
      return { steps: 0, state: `${numberIn(event, 'count')} of ${numberIn(event, 'minimum')} registered` };
    case 'admitted':
      return { steps: 0, state: 'admitted' };
    case 'round-started':
      return { steps: done, state: `round ${round}` };
    case 'training': {
      const fraction = numberIn(event, 'fraction');
      return {
        // Delivery is the rest of a round.
        steps: done + fraction * 0.9 * STEPS,
        state: `round ${round}: training${event['fraction'] === null ? '' : ` ${Math.round(fraction * 100)} %`}`,
      };
    }
    case 'trained':
      return { steps: done + 0.95 * STEPS, state: `round ${round}: delivering` };
    case 'uploaded':
      return { steps: done + STEPS, state: `round ${round}: delivered` };
    case 'aggregating':
      return { steps: done + 0.9 * STEPS, state: `round ${round}: aggregating` };
    case 'aggregated':
      return { steps: done + STEPS, state: `round ${round}: aggregated` };
    case 'training-failed':
      return { steps: done, state: `round ${round}: training failed` };
    default:
      return undefined;
  }
}

class BarView implements SessionView {
  readonly #output: Output;
  readonly #shape: SessionShape;
  readonly #bars = new Map<string, SingleBar>();
  readonly #widest: number;
  #screen: MultiBar | undefined;

  constructor(output: Output, shape: SessionShape) {
    this.#output = output;
    this.#shape = shape;
    this.#widest = Math.max(...shape.sites.map(({ length }) => length));
  }

  phase(text: string): void {
    this.close();
    this.#output.note(text);
  }

  event(site: string, event: ChildEvent): void {
    const bar = this.#barOf(site);
    const progress = progressOf(event);
    if (progress !== undefined) bar?.update(Math.round(progress.steps), { state: progress.state });
    const trouble = troubleOf(site, event);
    if (trouble !== undefined) this.#screen?.log(`${timeOfDay(Date.now())} ${terminalLine(trouble)}\n`);
    if (event.event !== 'ended') return;
    const state = terminalLine(String(event['message'] ?? event['reason'] ?? 'ended'));
    if (event['success'] === true) bar?.update(this.#shape.rounds * STEPS, { state: 'finished' });
    else bar?.update({ state });
  }

  close(): void {
    this.#screen?.stop();
    this.#screen = undefined;
    this.#bars.clear();
  }

  #barOf(site: string): SingleBar | undefined {
    const known = this.#bars.get(site);
    if (known !== undefined) return known;
    this.#screen ??= new MultiBar({
      stream: barStream(),
      format: '{site} |{bar}| {state}',
      barsize: 30,
      hideCursor: true,
      clearOnComplete: false,
      stopOnComplete: false,
      forceRedraw: true,
      autopadding: true,
    });
    // All bars at once, in an order that does not depend on who speaks first.
    for (const each of this.#shape.sites)
      this.#bars.set(
        each,
        this.#screen.create(this.#shape.rounds * STEPS, 0, {
          site: each.padEnd(this.#widest),
          state: 'starting',
        }),
      );
    return this.#bars.get(site);
  }
}

/** Bars on a terminal, plain lines otherwise. */
export function sessionView(output: Output, shape: SessionShape, quiet: boolean): SessionView {
  return output.interactive && !quiet ? new BarView(output, shape) : new LineView(output, shape);
}
