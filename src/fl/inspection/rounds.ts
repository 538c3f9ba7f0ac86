import type { Catalogue, RoundFiles, RunFile } from './catalogue.ts';
import type { RoundReport } from './inspection.ts';
import type { Irregularities } from './irregularity.ts';
import type { CheckpointFindings, IndexFacts } from './observed-run.ts';
import type { Member } from './participants.ts';
import { type ServerNote, serverNoteOf, type UpdateNote, updateNoteOf } from './side-texts.ts';
import { checkpointReport, updateReport } from './update-report.ts';

interface Surroundings {
  readonly catalogue: Catalogue;
  readonly facts: IndexFacts | null;
  readonly findings: CheckpointFindings;
  readonly members: readonly Member[];
  readonly ended: boolean;
  readonly irregularities: Irregularities;
}

/** A round with what its reader needs beside the report: the files, and both side texts. */
export interface RoundReading {
  readonly report: RoundReport;
  readonly files: RoundFiles;
  readonly server: ServerNote | null;
  readonly notes: ReadonlyMap<string, UpdateNote>;
}

/** The file that says when a round began. */
function openingOf(files: RoundFiles | undefined): RunFile | null {
  return files?.aggregate ?? files?.noStartModel ?? null;
}

/** How long this mount's own uploads took, by path. */
function uploadDurations(facts: IndexFacts | null): Map<string, number> {
  const done = (facts?.transfers ?? []).filter(
    ({ op, outcome }) => op.startsWith('upload') && outcome === 'done',
  );
  return new Map(done.map(({ path, durationMs }) => [path, durationMs]));
}

/** Whom a round expected: the admitted who were not lost before it, and whoever brought something. */
function expectedIn(members: readonly Member[], files: RoundFiles): readonly Member[] {
  return members.filter(({ key, admission, lost }) => {
    if (files.update.has(key) || files.failed.has(key) || files.refused.has(key)) return true;
    return admission === 'admitted' && (lost?.round ?? files.round) >= files.round;
  });
}

function startOf(files: RoundFiles): RoundReport['start'] {
  if (files.aggregate !== null) return 'model';
  return files.noStartModel === null ? 'missing' : 'no-model';
}

/** The last folder of a run that came to its end holds the final model and nothing else. */
function holdsFinalModel(files: RoundFiles, before: RoundFiles | undefined, ended: boolean): boolean {
  if (files.aggregate === null || files.update.size > 0 || files.failed.size > 0) return false;
  return before !== undefined && ended;
}

function notesOf(files: RoundFiles, irregularities: Irregularities): Map<string, UpdateNote> {
  const notes = new Map<string, UpdateNote>();
  for (const [key, meta] of files.meta) {
    const note = updateNoteOf(meta, irregularities);
    if (note !== null) notes.set(key, note);
  }
  return notes;
}

/** Read every round of a run, in order. */
export function roundsOf(surroundings: Surroundings): readonly RoundReading[] {
  const { catalogue, irregularities, members, findings, ended } = surroundings;
  const durations = uploadDurations(surroundings.facts);
  const ordered = [...catalogue.rounds.values()].sort((left, right) => left.round - right.round);
  return ordered.map((files, index) => {
    const server = serverNoteOf(files.serverMeta, irregularities);
    const notes = notesOf(files, irregularities);
    const closing = openingOf(catalogue.rounds.get(files.round + 1)) ?? files.serverMeta;
    const closedAtMs = closing?.atMs ?? null;
    const context = { files, server, notes, closedAtMs, ended, findings, durations, irregularities };
    const isLast = index === ordered.length - 1;
    const isFinal = isLast && holdsFinalModel(files, ordered[index - 1], ended);
    const seconds = server?.seconds ?? null;
    const { aggregate } = files;
    const report: RoundReport = {
      round: files.round,
      start: startOf(files),
      startedAtMs: openingOf(files)?.atMs ?? null,
      startBytes: aggregate?.sizeBytes ?? null,
      startCheckpoint: aggregate === null ? null : checkpointReport(findings.get(aggregate.path)),
      closedAtMs,
      aggregationMs: seconds === null ? null : seconds * 1000,
      isFinal,
      metrics: server?.metrics ?? {},
      updates: isFinal ? [] : expectedIn(members, files).map((member) => updateReport(member, context)),
    };
    return { report, files, server, notes };
  });
}
