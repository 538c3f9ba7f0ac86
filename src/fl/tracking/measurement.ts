import type { FederationEvent } from '../round/event.ts';

/** Who tells of a whole round; nobody else may be called so. */
export const SERVER = 'server';
/** Whose numbers a client's own history holds. */
export const SELF = 'self';

/** Numbers that an event tells, by whom; the server's are those of the whole round. */
export interface Measurement {
  readonly round: number;
  readonly participant: string;
  readonly metrics: Readonly<Record<string, number>>;
}

/** The numbers that an event tells; the only list of what is kept of a run. */
export function measurementsOf(event: FederationEvent): readonly Measurement[] {
  switch (event.event) {
    case 'update-received': {
      const { round, participant, samples, metrics } = event;
      return [{ round, participant, metrics: samples === null ? metrics : { samples, ...metrics } }];
    }
    case 'aggregated': {
      const { round, weights, metrics = {}, seconds } = event;
      const weighed = Object.entries(weights).map(([participant, weight]) => ({
        round,
        participant,
        metrics: { weight },
      }));
      return [
        ...weighed,
        { round, participant: SERVER, metrics: { ...metrics, aggregation_seconds: seconds } },
      ];
    }
    case 'trained': {
      const { round, samples, metrics, seconds } = event;
      const all = { ...(samples === null ? {} : { samples }), ...metrics, training_seconds: seconds };
      return [{ round, participant: SELF, metrics: all }];
    }
    default:
      return [];
  }
}
