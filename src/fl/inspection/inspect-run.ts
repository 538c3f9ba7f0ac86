import { AUTHENTICATION, LAYOUTS } from '../round/run-folder.ts';
import { catalogueOf } from './catalogue.ts';
import { endingOf } from './ending.ts';
import type { Inspection, ParticipantReport } from './inspection.ts';
import { Irregularities } from './irregularity.ts';
import { mountReport } from './mount-report.ts';
import type { CheckpointFindings, IndexFacts, ObservedRun } from './observed-run.ts';
import { type Member, membersOf } from './participants.ts';
import { checkOrder, checkRound } from './round-checks.ts';
import { type RoundReading, roundsOf } from './rounds.ts';
import { checkFolders, checkTask, checkTimes, latest, tracesIn, untilOf } from './run-checks.ts';
import { mergedAbsences, serverReport, tellAbsences } from './server-report.ts';
import { silenceMaxOf } from './side-texts.ts';
import { type OwnRound, type SpanBounds, spansOf } from './spans.ts';

export interface InspectionInput {
  readonly run: ObservedRun;
  /** Null on a plain copy. */
  readonly facts: IndexFacts | null;
  readonly findings: CheckpointFindings;
  readonly nowMs: number;
}

/** Each participant's rounds, with what it brought to them. */
function roundsByParticipant(readings: readonly RoundReading[]): Map<string, OwnRound[]> {
  const own = new Map<string, OwnRound[]>();
  for (const { report: round, notes } of readings) {
    for (const update of round.updates) {
      const part = { round, update, note: notes.get(update.key) };
      const known = own.get(update.participant);
      if (known === undefined) own.set(update.participant, [part]);
      else known.push(part);
    }
  }
  return own;
}

function participantReport(
  member: Member,
  own: readonly OwnRound[],
  { bounds, irregularities }: { readonly bounds: SpanBounds; readonly irregularities: Irregularities },
): ParticipantReport {
  const absences = mergedAbsences(own.flatMap(({ note }) => note?.absences ?? []));
  tellAbsences(`"${member.name}"`, absences, irregularities);
  const sizes = own.map(({ update }) => update.sizeBytes).filter((size) => size !== null);
  return {
    ...member,
    delivered: sizes.length,
    bytes: sizes.reduce((sum, size) => sum + size, 0),
    spans: spansOf(member, own, { bounds, absences }),
    absences,
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
  const traces = tracesIn(catalogue);
  const untilMs = untilOf(catalogue, traces, irregularities);
  if (facts === null) checkTimes(run.name, catalogue.task?.atMs ?? null, irregularities);
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
  const own = roundsByParticipant(readings);
  const server = serverReport({ catalogue, readings, ending, nowMs, irregularities });
  const firstMs = rounds.find(({ startedAtMs }) => startedAtMs !== null)?.startedAtMs ?? untilMs;
  const silenceMaxMs = silenceMaxOf(catalogue.settings, irregularities);
  const context = { bounds: { firstMs, untilMs, silenceMaxMs }, irregularities };
  const participants = members.map((member) =>
    participantReport(member, own.get(member.name) ?? [], context),
  );
  return {
    name: run.name,
    folder: run.folder,
    layouts: LAYOUTS.filter((layout) => catalogue.folders.has(AUTHENTICATION[layout].folder)),
    inspectedAtMs: nowMs,
    startedAtMs: catalogue.task?.atMs ?? null,
    lastActivityAtMs: traces.length === 0 ? null : latest(traces),
    roundsPlanned,
    task: catalogue.task?.text ?? null,
    ending,
    server,
    participants,
    rounds,
    irregularities: irregularities.listed(),
    irregularityCounts: irregularities.counts(),
    mount: facts === null ? null : mountReport(facts),
  };
}
