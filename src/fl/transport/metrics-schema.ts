import { z } from 'zod';

/** What a metric may be called: it stands in tables, in CSV and on terminals. */
const METRIC_NAME = /^[\w ./:-]{1,64}$/;
/** How many metrics of one document are kept. */
const METRICS_MAX = 100;

/** Whether a metric may be called so. */
export const isMetricName = (name: string): boolean => METRIC_NAME.test(name);

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
