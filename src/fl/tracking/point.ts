import { isMetricName } from '../metric-names.ts';
import { type Measurement, SELF, SERVER } from './measurement.ts';

/** A measurement with the moment at which it was kept. Units: `atMs` milliseconds since 1970. */
export interface TimedMeasurement extends Measurement {
  readonly atMs: number;
}

/** One number of one curve. Units: `atMs` milliseconds since 1970. */
export interface Point {
  /** The metric, then whose it is: "loss/site_a", or "loss/aggregate" for the whole round's. */
  readonly tag: string;
  readonly step: number;
  readonly value: number;
  readonly atMs: number;
}

/** Whose curve the whole round's numbers are. */
const AGGREGATE = 'aggregate';

function ownerOf(participant: string, self: string): string {
  if (participant === SERVER) return AGGREGATE;
  const name = participant === SELF ? self : participant;
  // Someone may be called like the aggregate; the two curves must not become one.
  return name.toLowerCase() === AGGREGATE ? `participant ${name}` : name;
}

/**
 * Turns measurements into points of curves, the round as the step.
 *
 * Guarantees: a point that repeats the one before it on its curve is left out; equal measurements, in the same order,
 * give equal points.
 */
export class Points {
  readonly #self: string;
  readonly #last = new Map<string, { readonly step: number; readonly value: number }>();

  /** `self` is whose numbers are kept without a name. */
  constructor(self: string) {
    this.#self = self;
  }

  of({ round, participant, metrics, atMs }: TimedMeasurement): readonly Point[] {
    const owner = ownerOf(participant, this.#self);
    const points: Point[] = [];
    for (const [name, value] of Object.entries(metrics)) {
      if (!isMetricName(name) || !Number.isFinite(value)) continue;
      const tag = `${name}/${owner}`;
      const last = this.#last.get(tag);
      if (last?.step === round && Object.is(last.value, value)) continue;
      this.#last.set(tag, { step: round, value });
      points.push({ tag, step: round, value, atMs });
    }
    return points;
  }
}
