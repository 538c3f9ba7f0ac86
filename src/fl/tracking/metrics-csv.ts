import { printable } from '../../printable.ts';
import { isMetricName } from '../metric-names.ts';
import type { Measurement } from './measurement.ts';
import type { TimedMeasurement } from './point.ts';

/** The first line of metrics.csv. */
export const METRICS_CSV_HEADER = 'round,participant,metric,value\n';

/** What a spreadsheet takes for the beginning of a formula, also in the width of East Asian letters. */
const FORMULA = /^[=+\-@\t\r\n\uff0b\uff0d\uff1d\uff20]/;
const NUMBER = /^[+-]?\d+(\.\d+)?(e[+-]?\d+)?$/i;

/** A text as a CSV cell. Guarantees: neither a formula nor the end of its cell or row. */
export function csvCell(text: string): string {
  const shown = text.replaceAll(/[^\t\r\n]+/g, printable);
  const inert = FORMULA.test(shown) && !NUMBER.test(shown) ? `'${shown}` : shown;
  return /[",\r\n]/.test(inert) ? `"${inert.replaceAll('"', '""')}"` : inert;
}

/** A measurement as rows of metrics.csv. Guarantees: as `csvCell`; a metric that may not be called so has no row. */
export function metricRows({ round, participant, metrics }: Measurement): string {
  return Object.entries(metrics)
    .filter(([name]) => isMetricName(name))
    .map(([name, value]) => `${round},${csvCell(participant)},${csvCell(name)},${value}\n`)
    .join('');
}

/** The first line of an exported table; no file that a run keeps begins so. */
export const EXPORT_CSV_HEADER = 'round,participant,metric,value,time\n';

/** A whole table for export: `metricRows` with the moment of each number. */
export function exportedTable(measurements: readonly TimedMeasurement[]): string {
  const rows = measurements.map((measurement) => {
    const time = new Date(measurement.atMs).toISOString();
    return metricRows(measurement).replaceAll('\n', `,${time}\n`);
  });
  return EXPORT_CSV_HEADER + rows.join('');
}
