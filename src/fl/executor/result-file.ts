import { readFile, stat } from 'node:fs/promises';
import { errnoOf, reasonOf } from '../../errors.ts';
import { isRecord } from '../config/json-text.ts';
import { isMetricName, METRICS_MAX } from '../metric-names.ts';
import type { Metrics } from './executor.ts';
import { parsePythonJson } from './python-json.ts';

/** Largest result file that is read. Units: bytes. */
const RESULT_MAX_BYTES = 1_048_576;
/** How many omissions are told one by one. */
const OMISSIONS_MAX = 10;

/** What a program reported beside its model, as far as it can be used. */
export interface ProgramReport {
  readonly samples: number | null;
  readonly metrics: Metrics;
  /** What was left out and why, one line each. */
  readonly omissions: readonly string[];
}

function shown(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? 'nothing');
  return text.length > 40 ? `${text.slice(0, 37)}...` : text;
}

function samplesOf(value: unknown, omit: (line: string) => void): number | null {
  if (value === undefined || value === null) return null;
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  omit(`samples is ${shown(value)}, which is no number of samples`);
  return null;
}

/** The metrics that can be used; `omit` is told of the others. */
export function metricsOf(value: unknown, omit: (line: string) => void): Metrics {
  if (value === undefined || value === null) return {};
  if (!isRecord(value)) {
    omit(`metrics is ${shown(value)}, which holds no names and numbers`);
    return {};
  }
  const kept: [string, number][] = [];
  for (const [name, metric] of Object.entries(value))
    if (!isMetricName(name)) omit(`the metric ${shown(name)}, whose name is not one`);
    else if (typeof metric !== 'number') omit(`${name} is ${shown(metric)}`);
    else if (kept.length === METRICS_MAX) omit(`${name}, as there are more than ${METRICS_MAX} metrics`);
    else kept.push([name, metric]);
  return Object.fromEntries(kept);
}

async function textOf(path: string): Promise<string> {
  const { size } = await stat(path);
  if (size > RESULT_MAX_BYTES) throw new RangeError(`it is larger than ${RESULT_MAX_BYTES} bytes`);
  return readFile(path, 'utf8');
}

/**
 * Read what a program reported: `{"samples": 100, "metrics": {"loss": 0.5}}`.
 *
 * Guarantees: never fails; a model is worth no less for what stands beside it, so that whatever cannot be used is left
 * out and named.
 */
export async function readReport(path: string): Promise<ProgramReport> {
  const omissions: string[] = [];
  let left = 0;
  const omit = (line: string): void => {
    if (omissions.length < OMISSIONS_MAX) omissions.push(`${line}: left out`);
    else left += 1;
  };
  const report = await reportAt(path, omit);
  return { ...report, omissions: left === 0 ? omissions : [...omissions, `and ${left} more: left out`] };
}

async function reportAt(path: string, omit: (line: string) => void) {
  try {
    const value = parsePythonJson(await textOf(path));
    if (!isRecord(value)) throw new TypeError('it is not {"samples":n,"metrics":{"name":number}}');
    return { samples: samplesOf(value['samples'], omit), metrics: metricsOf(value['metrics'], omit) };
  } catch (error) {
    const why = errnoOf(error) === 'ENOENT' ? 'it was not written' : reasonOf(error);
    omit(`the result file ${path} (${why})`);
    return { samples: null, metrics: {} };
  }
}
