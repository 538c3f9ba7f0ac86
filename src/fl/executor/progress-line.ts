import { isRecord } from '../config/json-text.ts';
import type { Metrics } from './executor.ts';
import { parsePythonJson } from './python-json.ts';
import { metricsOf } from './result-file.ts';

/** Longer lines are output like any other. Units: characters. */
const PROGRESS_MAX = 4_096;

/** How far a program says that it has come. Units: `fraction` from 0 to 1. */
export interface ProgramProgress {
  readonly fraction: number;
  readonly metrics: Metrics;
}

/**
 * The progress that a line of a program's output tells: `{"fraction": 0.4, "metrics": {"loss": 0.5}}`; undefined for any
 * other line.
 *
 * Guarantees: never fails; what cannot be used of the metrics is left out without a word, as the next line may be right.
 */
export function progressOf(line: string): ProgramProgress | undefined {
  if (line.length > PROGRESS_MAX || !line.startsWith('{') || !line.includes('"fraction"')) return undefined;
  try {
    const value = parsePythonJson(line);
    if (!isRecord(value)) return undefined;
    const { fraction, metrics } = value;
    if (typeof fraction !== 'number' || !(fraction >= 0 && fraction <= 1)) return undefined;
    return { fraction, metrics: metricsOf(metrics, () => undefined) };
  } catch {
    return undefined;
  }
}
