import { AUTHENTICATION, HEARTBEAT_FOLDER, isRunFolderName, LAYOUTS } from '../round/run-folder.ts';
import { type Catalogue, catalogueOf, type RunFile } from './catalogue.ts';
import { endingOf } from './ending.ts';
import type {
  Inspection,
  MountReport,
  ParticipantReport,
  RoundReport,
  TransferTotals,
} from './inspection.ts';
import { Irregularities } from './irregularity.ts';
import type { CheckpointFindings, IndexFacts, ObservedRun } from './observed-run.ts';
import { type Member, membersOf } from './participants.ts';
import { checkOrder, checkRound } from './round-checks.ts';
import { type RoundReading, roundsOf } from './rounds.ts';
import { type OwnRound, type SpanBounds, spansOf } from './spans.ts';

export interface InspectionInput {
  readonly run: ObservedRun;
  /** Null on a plain copy. */
  readonly facts: IndexFacts | null;
  readonly findings: CheckpointFindings;
  readonly nowMs: number;
}

function checkTask(task: RunFile | null, irregularities: Irregularities): void {
  if (task === null) irregularities.add('error', 'no-task', '', 'cfg.json is missing');
  if (task === null || task.text === null) return;
  try {
    JSON.parse(task.text);
  } catch {
    irregularities.add('error', 'malformed-task', task.path, 'it is not JSON');
  }
}

function checkFolders({ folders }: Catalogue, name: string, irregularities: Irregularities): void {
  if (!isRunFolderName(name))
    irregularities.add('note', 'unusual-name', '', `"${name}" is no run's name (YYYY-MM-DD_hh-mm-ss)`);
  const layouts = LAYOUTS.filter((layout) => folders.has(AUTHENTICATION[layout].folder));
  if (layouts.length === 0)
    irregularities.add('error', 'no-authentications', '', 'the folder of authentications is missing');
  if (layouts.length > 1)
    irregularities.add('note', 'two-layouts', '', 'authentications/ and authentifications/ both exist');
  for (const folder of [HEARTBEAT_FOLDER, 'rounds'])
    if (!folders.has(folder))
      irregularities.add('warning', 'folder-missing', folder, 'the folder is missing');
}

/** Every time at which somebody left a trace in a run. */
function timesOf({ task, ended, authentications, heartbeats, lost, rounds }: Catalogue): readonly number[] {
  const files = [
    ...[task, ended].filter((file) => file !== null),
    ...authentications.map(({ file }) => file),
    ...heartbeats.values(),
    ...lost.values(),
    ...[...rounds.values()].flatMap(({ aggregate, noStartModel, serverMeta, update, meta }) => [
      ...[aggregate, noStartModel, serverMeta].filter((file) => file !== null),
      ...update.values(),
      ...meta.values(),
    ]),
  ];
  return files.map(({ atMs }) => atMs);
}

const largest = (times: readonly number[]) => times.reduce((max, time) => Math.max(max, time), 0);

function transferTotals({ transfers }: IndexFacts): readonly TransferTotals[] {
  const totals = new Map<string, TransferTotals>();
  for (const { op, sizeBytes, durationMs, outcome } of transfers) {
    const known = totals.get(op) ?? { op, count: 0, failed: 0, bytes: 0, durationMs: 0 };
    const isDone = outcome === 'done';
    totals.set(op, {
      op,
      count: known.count + 1,
      failed: known.failed + (isDone ? 0 : 1),
      bytes: known.bytes + (isDone ? (sizeBytes ?? 0) : 0),
      durationMs: known.durationMs + durationMs,
    });
  }
  return [...totals.values()].sort((left, right) => (left.op < right.op ? -1 : 1));
}

function mountReport(facts: IndexFacts): MountReport {
  const byEndpoint = new Map<string, number>();
  const byHour = new Map<number, number>();
  for (const { endpoint, hourAtMs, calls } of facts.calls) {
    byEndpoint.set(endpoint, (byEndpoint.get(endpoint) ?? 0) + calls);
    byHour.set(hourAtMs, (byHour.get(hourAtMs) ?? 0) + calls);
  }
  return {
    calls: [...byHour.values()].reduce((sum, calls) => sum + calls, 0),
    byEndpoint: [...byEndpoint]
      .map(([endpoint, calls]) => ({ endpoint, calls }))
      .sort((left, right) => right.calls - left.calls || (left.endpoint < right.endpoint ? -1 : 1)),
    byHour: [...byHour]
      .map(([hourAtMs, calls]) => ({ hourAtMs, calls }))
      .sort((left, right) => left.hourAtMs - right.hourAtMs),
    transfers: transferTotals(facts),
  };
}

/** Each participant's rounds, with what it brought to them. */
function roundsByParticipant(rounds: readonly RoundReport[]): Map<string, OwnRound[]> {
  const own = new Map<string, OwnRound[]>();
  for (const round of rounds) {
    for (const update of round.updates) {
      const known = own.get(update.participant);
      if (known === undefined) own.set(update.participant, [{ round, update }]);
      else known.push({ round, update });
    }
  }
  return own;
}

function participantReport(member: Member, own: readonly OwnRound[], bounds: SpanBounds): ParticipantReport {
  const sizes = own.map(({ update }) => update.sizeBytes).filter((size) => size !== null);
  return {
    ...member,
    delivered: sizes.length,
    bytes: sizes.reduce((sum, size) => sum + size, 0),
    spans: spansOf(member, own, bounds),
  };
}

function plannedOf(readings: readonly RoundReading[]): number | null {
  return readings.map(({ server }) => server?.rounds_count ?? null).find((count) => count !== null) ?? null;
}

/**
 * Everything that a run folder tells, from what was observed of it.
 *
 * Guarantees: pure; equal observations give equal reports; what is missing or damaged is an irregularity.
 */
export function inspectRun({ run, facts, findings, nowMs }: InspectionInput): Inspection {
  const irregularities = new Irregularities();
  const catalogue = catalogueOf(run, facts, irregularities);
  checkFolders(catalogue, run.name, irregularities);
  checkTask(catalogue.task, irregularities);
  const ending = endingOf(catalogue.ended, irregularities);
  const times = timesOf(catalogue);
  const untilMs = largest(times);
  const referenceMs = ending.atMs ?? untilMs;
  const members = membersOf({ catalogue, facts, irregularities, referenceMs });
  const ended = ending.kind !== 'open';
  const readings = roundsOf({ catalogue, facts, findings, members, ended, irregularities });
  for (const [index, reading] of readings.entries())
    checkRound(reading, readings[index + 1], { members, findings, irregularities });
  const rounds = readings.map(({ report }) => report);
  checkOrder(rounds, irregularities);
  const roundsPlanned = plannedOf(readings);
  const done = rounds.filter(({ isFinal, closedAtMs }) => !isFinal && closedAtMs !== null).length;
  if (ending.kind === 'finished' && roundsPlanned !== null && done < roundsPlanned)
    irregularities.add('error', 'ended-early', '', `finished after ${done} of ${roundsPlanned} rounds`);
  for (const { path, reason } of facts?.conflicts ?? [])
    irregularities.add('warning', 'conflict', path, `kept twice by this mount: ${reason}`);
  const own = roundsByParticipant(rounds);
  const firstMs = rounds.find(({ startedAtMs }) => startedAtMs !== null)?.startedAtMs ?? untilMs;
  const bounds = { firstMs, untilMs };
  return {
    name: run.name,
    folder: run.folder,
    layouts: LAYOUTS.filter((layout) => catalogue.folders.has(AUTHENTICATION[layout].folder)),
    inspectedAtMs: nowMs,
    startedAtMs: catalogue.task?.atMs ?? null,
    lastActivityAtMs: times.length === 0 ? null : untilMs,
    roundsPlanned,
    task: catalogue.task?.text ?? null,
    ending,
    participants: members.map((member) => participantReport(member, own.get(member.name) ?? [], bounds)),
    rounds,
    irregularities: irregularities.listed(),
    irregularityCounts: irregularities.counts(),
    mount: facts === null ? null : mountReport(facts),
  };
}
