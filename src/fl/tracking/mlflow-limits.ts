import { shortened } from '../../printable.ts';
import type { Point } from './point.ts';

// Source: https://mlflow.org/docs/latest/rest-api.html, "Log Batch" and its limits; lengths as of MLflow 1.28, the
// shortest of those that are in use.

/** How many metrics one request may hold. */
export const METRICS_PER_BATCH = 1_000;
/** How many parameters one request may hold. */
export const PARAMS_PER_BATCH = 100;
/** How long a parameter's value may be. Units: characters. */
const PARAM_VALUE_MAX = 500;
/** How long a key may be. Units: characters. */
const KEY_MAX = 250;

/** A number as a request carries it. Units: `timestamp` milliseconds since 1970. */
export interface MlflowMetric {
  readonly key: string;
  readonly value: number;
  readonly timestamp: number;
  readonly step: number;
}

/** A setting as a request carries it. */
export interface MlflowParam {
  readonly key: string;
  readonly value: string;
}

/**
 * A key that every MLflow takes.
 *
 * Guarantees: letters, digits, "_", "-", ".", " ", ":" and "/"; as a path it means itself, which MLflow asks for.
 */
export function mlflowKey(text: string): string {
  const parts = text
    .replaceAll(/[^\p{L}\p{N}_\-. :/]/gu, '_')
    .split('/')
    .map((part) => (['', '.', '..'].includes(part) ? '_' : part));
  return parts.join('/').slice(0, KEY_MAX);
}

/** A point as MLflow takes it: at a moment that is no whole number it drops the rest of a batch without a word. */
export function mlflowMetric({ tag, value, step, atMs }: Point): MlflowMetric {
  return { key: mlflowKey(tag), value, timestamp: Math.round(atMs), step };
}

/** Settings as MLflow takes them: longer values are cut, for MLflow would refuse all of the request. */
export function mlflowParams(settings: Readonly<Record<string, string>>): readonly MlflowParam[] {
  return Object.entries(settings).map(([key, value]) => ({
    key: mlflowKey(key),
    value: shortened(value, PARAM_VALUE_MAX),
  }));
}

/** A list in parts of at most `size`. */
export function batches<Item>(items: readonly Item[], size: number): readonly (readonly Item[])[] {
  const parts: Item[][] = [];
  for (let start = 0; start < items.length; start += size) parts.push(items.slice(start, start + size));
  return parts;
}

/** How far each key has come at MLflow. Units: `timestamp` milliseconds since 1970. */
export type LatestMetrics = ReadonlyMap<string, { readonly step: number; readonly timestamp: number }>;

/**
 * What MLflow does not hold yet, of numbers that come in order. `byStep` is for numbers whose moments are not kept: then
 * a step that is there is there.
 */
export function missing(
  metrics: readonly MlflowMetric[],
  latest: LatestMetrics,
  { byStep = false } = {},
): readonly MlflowMetric[] {
  return metrics.filter(({ key, step, timestamp }) => {
    const last = latest.get(key);
    if (last === undefined || step > last.step) return true;
    return !byStep && step === last.step && timestamp > last.timestamp;
  });
}
