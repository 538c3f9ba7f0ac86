import { z } from 'zod';
import { isMetricName, METRICS_MAX } from '../metric-names.ts';

function kept(metrics: Readonly<Record<string, unknown>>): Record<string, number> {
  const entries: [string, number][] = [];
  for (const [name, value] of Object.entries(metrics)) {
    if (entries.length === METRICS_MAX) break;
    if (typeof value === 'number' && Number.isFinite(value) && isMetricName(name))
      entries.push([name, value]);
  }
  return Object.fromEntries(entries);
}

/**
 * Metrics as others tell them, beside a checkpoint or in a call.
 *
 * Guarantees: at most 100, with names of letters, digits, "_", "-", ".", "/", ":" and spaces up to 64 characters and
 * finite values; what is otherwise is left out, because an update is not worth less for it.
 */
export const METRICS = z.record(z.string(), z.unknown()).transform(kept);
