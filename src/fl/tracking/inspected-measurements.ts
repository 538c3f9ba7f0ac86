import type { Inspection, RoundReport, UpdateReport } from '../inspection/inspection.ts';
import { SERVER } from './measurement.ts';
import type { TimedMeasurement } from './point.ts';

/** What the server counted, or still may: what it refused is no number of the run. */
const COUNTING: readonly UpdateReport['status'][] = ['used', 'delivered'];

function ofUpdate(round: number, update: UpdateReport, otherwiseMs: number): TimedMeasurement {
  const { participant, samples, weight, metrics, trainingMs, deliveredAtMs } = update;
  const facts = {
    ...(samples === null ? {} : { samples }),
    ...metrics,
    ...(trainingMs === null ? {} : { training_seconds: trainingMs / 1000 }),
    ...(weight === null ? {} : { weight }),
  };
  return { round, participant, metrics: facts, atMs: Math.round(deliveredAtMs ?? otherwiseMs) };
}

function ofRound(report: RoundReport, otherwiseMs: number): readonly TimedMeasurement[] {
  const { round, metrics, aggregationMs, closedAtMs, startedAtMs } = report;
  const seconds = aggregationMs === null ? {} : { aggregation_seconds: aggregationMs / 1000 };
  // A file's time has parts of a millisecond.
  const atMs = Math.round(closedAtMs ?? startedAtMs ?? otherwiseMs);
  const updates = report.updates
    .filter(({ status }) => COUNTING.includes(status))
    .map((update) => ofUpdate(round, update, atMs));
  return [...updates, { round, participant: SERVER, metrics: { ...metrics, ...seconds }, atMs }];
}

/**
 * The numbers that a run folder tells, in the order of its rounds, as a server's metrics.jsonl has them.
 *
 * Guarantees: equal inspections give equal lists; what has no numbers is left out.
 */
export function inspectedMeasurements(inspection: Inspection): readonly TimedMeasurement[] {
  const otherwiseMs = inspection.startedAtMs ?? inspection.lastActivityAtMs ?? 0;
  return inspection.rounds
    .filter(({ isFinal }) => !isFinal)
    .flatMap((report) => ofRound(report, otherwiseMs))
    .filter(({ metrics }) => Object.keys(metrics).length > 0);
}
