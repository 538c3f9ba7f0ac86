import type { Markup } from './html.ts';
import { roundLinesChart } from './round-lines-chart.ts';

/** Test accuracy after one round: the aggregate, and each participant's own model. Units: shares from 0 to 1. */
export interface RoundAccuracy {
  readonly round: number;
  readonly aggregate: number;
  /** By participant, in the order in which they are shown. */
  readonly clients: Readonly<Record<string, number>>;
}

/** The lowest accuracy that the axis needs to show, rounded down to a tenth. */
function floorOf(rounds: readonly RoundAccuracy[]): number {
  const lowest = Math.min(
    ...rounds.flatMap(({ aggregate, clients }) => [aggregate, ...Object.values(clients)]),
  );
  return Math.max(0, Math.floor(lowest * 10) / 10);
}

/** Draw accuracy by round as one SVG element. */
export function accuracyChart(rounds: readonly RoundAccuracy[]): Markup {
  const names = [...new Set(rounds.flatMap(({ clients }) => Object.keys(clients)))];
  return roundLinesChart({
    label:
      'Test accuracy by round, of the aggregate and of each participant; the table below has the numbers.',
    valueName: 'test accuracy',
    rounds: rounds.map(({ round }) => round),
    together: { name: 'aggregate', values: rounds.map(({ aggregate }) => aggregate) },
    lines: names.map((name) => ({ name, values: rounds.map(({ clients }) => clients[name] ?? null) })),
    min: floorOf(rounds),
    max: 1,
  });
}
