import type { ServerRecord } from '../round/server-state.ts';

/** The participants' own metrics, weighted as their updates were; a metric counts where it was told. */
export function meanMetrics(
  record: ServerRecord,
  weights: ReadonlyMap<string, number>,
): Readonly<Record<string, number>> {
  const sums = new Map<string, { sum: number; weight: number }>();
  for (const [key, weight] of weights) {
    for (const [name, value] of Object.entries(record.updates[key]?.metrics ?? {})) {
      const entry = sums.get(name) ?? { sum: 0, weight: 0 };
      sums.set(name, { sum: entry.sum + weight * value, weight: entry.weight + weight });
    }
  }
  return Object.fromEntries(
    [...sums].filter(([, { weight }]) => weight > 0).map(([name, { sum, weight }]) => [name, sum / weight]),
  );
}
