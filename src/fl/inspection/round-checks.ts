import type { RunFile } from './catalogue.ts';
import type { RoundReport, UpdateReport } from './inspection.ts';
import type { Irregularities } from './irregularity.ts';
import type { CheckpointFindings, ModelLayout } from './observed-run.ts';
import type { Member } from './participants.ts';
import type { RoundReading } from './rounds.ts';

interface Surroundings {
  readonly members: readonly Member[];
  readonly findings: CheckpointFindings;
  readonly irregularities: Irregularities;
}

function checkStart({ report, files }: RoundReading, irregularities: Irregularities): void {
  const path = `rounds/round_${report.round}`;
  if (report.start === 'missing')
    irregularities.add('error', 'round-without-start', path, 'neither server.agg nor no_starting_model.info');
  if (files.aggregate !== null && files.noStartModel !== null)
    irregularities.add('warning', 'two-starts', path, 'both server.agg and no_starting_model.info');
}

/** How two models differ, in one line; null when names and shapes are the same. */
function layoutDifference(model: ModelLayout, reference: ModelLayout): string | null {
  if (model === reference) return null;
  for (const [name, { shape }] of reference) {
    const other = model.get(name);
    if (other === undefined) return `it lacks "${name}"`;
    if (other.shape.join() !== shape.join())
      return `"${name}" has shape [${other.shape.join(', ')}] where the others have [${shape.join(', ')}]`;
  }
  const extra = [...model.keys()].find((name) => !reference.has(name));
  return extra === undefined ? null : `it has "${extra}", which the others have not`;
}

/** What the updates of a round are measured by: its start model, what became of them, or what most look like. */
function referenceOf(
  { files }: RoundReading,
  next: RoundReading | undefined,
  findings: CheckpointFindings,
): ModelLayout | null {
  const { aggregate, update } = files;
  for (const model of [aggregate, next?.files.aggregate]) {
    const layout = model ? findings.get(model.path)?.layout : null;
    if (layout) return layout;
  }
  const votes = new Map<ModelLayout, number>();
  for (const { path } of update.values()) {
    const layout = findings.get(path)?.layout;
    if (layout) votes.set(layout, (votes.get(layout) ?? 0) + 1);
  }
  return [...votes].sort(([, left], [, right]) => right - left)[0]?.[0] ?? null;
}

function checkCheckpoint(file: RunFile, reference: ModelLayout | null, surroundings: Surroundings): void {
  const { findings, irregularities } = surroundings;
  const finding = findings.get(file.path);
  if (finding === undefined) return;
  if (finding.problem !== null)
    irregularities.add('error', 'bad-checkpoint', file.path, finding.problem.message);
  const difference =
    finding.layout === null || reference === null ? null : layoutDifference(finding.layout, reference);
  if (difference !== null) irregularities.add('error', 'other-model', file.path, difference);
}

function checkSideFile(reading: RoundReading, key: string, surroundings: Surroundings): void {
  const { files, notes, report } = reading;
  const { irregularities, findings } = surroundings;
  const meta = files.meta.get(key);
  const note = notes.get(key);
  const update = files.update.get(key);
  if (meta === undefined) return;
  if (update === undefined && report.closedAtMs !== null && !files.failed.has(key))
    irregularities.add('warning', 'side-file-alone', meta.path, 'its checkpoint never came');
  if (note === undefined || update === undefined) return;
  const differs = (what: string) => irregularities.add('error', 'side-file-differs', meta.path, what);
  if (note.round !== undefined && note.round !== report.round) differs(`it says round ${note.round}`);
  if (note.size_bytes !== undefined && note.size_bytes !== update.sizeBytes)
    differs(`it says ${note.size_bytes} bytes, the checkpoint has ${update.sizeBytes}`);
  const sha256 = findings.get(update.path)?.sha256;
  if (sha256 && note.sha256 !== undefined && sha256 !== note.sha256)
    differs('the checkpoint has other bytes than it describes');
}

const STATUS_WORDS: Partial<Record<UpdateReport['status'], readonly [string, string]>> = {
  refused: ['update-refused', 'the server refused this update'],
  failed: ['training-failed', 'training failed'],
  late: ['late-update', 'it came when the round was closed'],
  missing: ['missing-update', 'no update came'],
};

function checkStatus(reading: RoundReading, update: UpdateReport, irregularities: Irregularities): void {
  const words = STATUS_WORDS[update.status];
  if (words === undefined) return;
  const [code, message] = words;
  const path = reading.files.update.get(update.key)?.path ?? `rounds/round_${reading.report.round}`;
  const why = update.reason === null ? '' : `: ${update.reason}`;
  irregularities.add(
    'warning',
    code,
    path,
    `${update.participant}, round ${reading.report.round}: ${message}${why}`,
  );
}

function checkWriter(file: RunFile, member: Member | undefined, irregularities: Irregularities): void {
  const writer = file.stored?.modifiedBy;
  if (!writer || !member?.account || writer.id === member.account.id) return;
  irregularities.add(
    'error',
    'foreign-writer',
    file.path,
    `written by ${writer.name} (${writer.id}); the name belongs to ${member.account.name} (${member.account.id})`,
  );
}

/** Tell of everything in a round that is not as it should be. */
export function checkRound(
  reading: RoundReading,
  next: RoundReading | undefined,
  surroundings: Surroundings,
): void {
  const { files, report } = reading;
  const { irregularities, members } = surroundings;
  const byKey = new Map(members.map((member) => [member.key, member]));
  checkStart(reading, irregularities);
  const reference = referenceOf(reading, next, surroundings.findings);
  if (files.aggregate !== null) checkCheckpoint(files.aggregate, reference, surroundings);
  for (const [key, file] of files.update) {
    if (byKey.get(key) === undefined)
      irregularities.add('warning', 'bad-update-name', file.path, 'the name of an update is in lower case');
    checkWriter(file, byKey.get(key), irregularities);
    checkCheckpoint(file, reference, surroundings);
  }
  for (const key of files.meta.keys()) checkSideFile(reading, key, surroundings);
  for (const update of report.updates) checkStatus(reading, update, irregularities);
}

/** Tell of rounds that are left out. */
export function checkOrder(rounds: readonly RoundReport[], irregularities: Irregularities): void {
  for (const [index, { round }] of rounds.entries()) {
    const before = rounds[index - 1]?.round ?? 0;
    if (round !== before + 1)
      irregularities.add(
        'error',
        'round-missing',
        `rounds/round_${before + 1}`,
        `round ${round} follows round ${before}`,
      );
  }
}
