import { createHash } from 'node:crypto';
import { RejectedError } from '../../errors.ts';
import type { Inspection } from '../inspection/inspection.ts';
import { SERVER } from './measurement.ts';
import type { MlflowApi, MlflowRun } from './mlflow-api.ts';
import {
  batches,
  METRICS_PER_BATCH,
  missing,
  mlflowMetric,
  mlflowParams,
  PARAMS_PER_BATCH,
} from './mlflow-limits.ts';
import { Points, type TimedMeasurement } from './point.ts';
import type { FinalStatus } from './tracker.ts';

interface ExportOptions {
  readonly api: MlflowApi;
  readonly experiment: string;
  readonly inspection: Inspection;
  readonly measurements: readonly TimedMeasurement[];
  readonly signal: AbortSignal;
}

/** What was brought to MLflow. */
export interface MlflowExport {
  readonly runId: string;
  /** How many numbers were not there before. */
  readonly sent: number;
}

/** On a run that an export made, so that the next export of the same run goes on with it. */
const EXPORT_TAG = 'mila_sync.export';

const STATUS: Readonly<Record<Inspection['ending']['kind'], FinalStatus | 'RUNNING'>> = {
  finished: 'FINISHED',
  'stopped-by-user': 'KILLED',
  failed: 'FAILED',
  unreadable: 'FAILED',
  open: 'RUNNING',
};

async function openRun({ api, experiment, inspection, signal }: ExportOptions): Promise<MlflowRun> {
  const { name, startedAtMs, inspectedAtMs } = inspection;
  const experimentId = await api.experimentId(experiment, signal);
  // The name of a folder may hold what a question to MLflow may not.
  const tag = { key: EXPORT_TAG, value: createHash('sha256').update(name).digest('hex').slice(0, 32) };
  const found = await api.findRun(experimentId, tag, signal);
  if (found !== undefined) return found;
  const tags = [{ key: 'mlflow.source.name', value: 'mila-sync' }, tag];
  const startTimeMs = Math.round(startedAtMs ?? inspectedAtMs);
  const runId = await api.createRun({ experimentId, name, startTimeMs, tags }, signal);
  return { runId, isDeleted: false, latest: new Map() };
}

async function tellSettings(runId: string, { api, inspection, signal }: ExportOptions): Promise<void> {
  const { name, roundsPlanned, participants } = inspection;
  const admitted = participants.filter(({ admission }) => admission === 'admitted');
  const params = mlflowParams({
    run: name,
    ...(roundsPlanned === null ? {} : { rounds: String(roundsPlanned) }),
    ...(admitted.length === 0 ? {} : { participants: admitted.map((each) => each.name).join(', ') }),
  });
  for (const batch of batches(params, PARAMS_PER_BATCH)) await api.logBatch(runId, { params: batch }, signal);
}

/**
 * Bring the numbers of a run folder to MLflow.
 *
 * Guarantees: one run at MLflow for all exports of a run to the same experiment; a step of a metric that is there is not
 * sent again. Errors: as `MlflowApi`.
 */
export async function exportToMlflow(options: ExportOptions): Promise<MlflowExport> {
  const { api, inspection, measurements, signal } = options;
  const { runId, latest } = await openRun(options);
  await tellSettings(runId, options).catch((error: unknown) => {
    // They were told before with other values, which MLflow keeps.
    if (!(error instanceof RejectedError)) throw error;
  });
  const points = new Points(SERVER);
  const metrics = measurements.flatMap((each) => points.of(each)).map(mlflowMetric);
  const unsent = missing(metrics, latest, { byStep: true });
  for (const batch of batches(unsent, METRICS_PER_BATCH))
    await api.logBatch(runId, { metrics: batch }, signal);
  const { kind, atMs } = inspection.ending;
  const endTime = atMs === null ? {} : { endTimeMs: Math.round(atMs) };
  await api.updateRun(runId, { status: STATUS[kind], ...endTime }, signal);
  return { runId, sent: unsent.length };
}
