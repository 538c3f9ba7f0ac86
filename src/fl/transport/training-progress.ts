import type { Clock } from '../../clock.ts';
import type { Metrics, TrainingRequest } from '../executor/executor.ts';

/** How far something has come is told at most this often. Units: milliseconds. */
const FRACTION_INTERVAL_MS = 250;
/** And what a program merely said, at most this often: a log keeps it all. */
const LINE_INTERVAL_MS = 5_000;

interface Progress {
  readonly fraction: number | null;
  readonly metrics?: Metrics;
  readonly line?: string;
}

/**
 * Tell a training's progress, but not each step of it.
 *
 * Guarantees: the end is always told.
 */
export function progressEvents(
  clock: Clock,
  tell: (progress: Progress) => void,
): NonNullable<TrainingRequest['onProgress']> {
  let told: number | null = null;
  let toldAtMs = Number.NEGATIVE_INFINITY;
  return (fraction, metrics, line) => {
    const now = clock.monotonic();
    const intervalMs = fraction === told ? LINE_INTERVAL_MS : FRACTION_INTERVAL_MS;
    if (fraction !== 1 && now - toldAtMs < intervalMs) return;
    told = fraction;
    toldAtMs = now;
    const isMeasured = Object.keys(metrics).length > 0;
    tell({ fraction, ...(isMeasured ? { metrics } : {}), ...(line === undefined ? {} : { line }) });
  };
}
