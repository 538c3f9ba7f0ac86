import { printable, shortened } from '../../printable.ts';
import { textTable } from '../../text-table.ts';
import type { Inspection, ParticipantReport, RoundReport, UpdateReport } from '../inspection/inspection.ts';
import type { Irregularity } from '../inspection/irregularity.ts';
import { endingWords } from '../round/protocol-texts.ts';
import { durationText, metricText, sizeText, speedText, timeText } from './quantities.ts';
import { textTimeline } from './text-timeline.ts';

interface TextOptions {
  /** Columns of the terminal. */
  readonly width: number;
  readonly colour: boolean;
}

/** What fits on a terminal; `--json` has everything. */
const PARTICIPANTS_MAX = 60;
const UPDATES_MAX = 400;
const NAME_MAX = 24;
const REASON_MAX = 60;

const nameText = (name: string) => shortened(printable(name), NAME_MAX);
const orDash = <Value>(value: Value | null, text: (value: Value) => string) =>
  value === null ? '–' : text(value);

const ENDINGS: Readonly<Record<Inspection['ending']['kind'], string>> = {
  finished: 'training finished',
  'stopped-by-user': 'stopped by a person',
  failed: 'ended with a reason',
  unreadable: 'ended, and does not say how',
  open: 'not ended',
};

function summary(inspection: Inspection): string {
  const { ending, participants, rounds, startedAtMs, lastActivityAtMs, mount } = inspection;
  const closed = rounds.filter(({ isFinal, closedAtMs }) => !isFinal && closedAtMs !== null).length;
  const took = startedAtMs === null || lastActivityAtMs === null ? null : lastActivityAtMs - startedAtMs;
  const admitted = participants.filter(({ admission }) => admission === 'admitted').length;
  const lost = participants.filter((participant) => participant.lost !== null).length;
  const planned = inspection.roundsPlanned === null ? '' : ` of ${inspection.roundsPlanned}`;
  const lines = [
    `run           ${printable(inspection.name)}`,
    `folder        ${printable(inspection.folder)} (${mount === null ? 'a plain copy' : 'on a mount'})`,
    `started       ${timeText(startedAtMs)} UTC`,
    `last activity ${timeText(lastActivityAtMs)} UTC${took === null ? '' : `, ${durationText(took)} later`}`,
    `ending        ${ENDINGS[ending.kind]}${ending.atMs === null ? '' : `, ${timeText(ending.atMs)} UTC`}`,
  ];
  if (ending.text !== null)
    lines.push(`              ${shortened(printable(endingWords(ending.text)), 200)}`);
  lines.push(`participants  ${participants.length}: ${admitted} admitted, ${lost} lost`);
  lines.push(`rounds        ${closed}${planned} closed`);
  if (mount !== null) lines.push(`API calls     ${mount.calls} by this mount in the hours of the run`);
  return lines.join('\n');
}

function participantRow(participant: ParticipantReport): string[] {
  const { heartbeat, lost } = participant;
  return [
    nameText(participant.name),
    participant.admission,
    timeText(participant.answeredAtMs),
    heartbeat === null ? 'none' : timeText(heartbeat.lastAtMs),
    orDash(heartbeat, ({ silentMs }) => durationText(silentMs)),
    lost === null ? '' : `round ${lost.round ?? '?'}`,
    String(participant.delivered),
    sizeText(participant.bytes),
  ];
}

function participantTable({ participants }: Inspection, options: TextOptions): string {
  if (participants.length === 0) return 'No participants.';
  const head = [
    'participant',
    'admission',
    'answered (UTC)',
    'last heartbeat',
    'silent',
    'lost',
    'updates',
    'bytes',
  ];
  const rows = participants.slice(0, PARTICIPANTS_MAX).map(participantRow);
  const table = textTable({ head, right: [4, 6, 7], rows, colour: options.colour });
  return withRest(table, participants.length - PARTICIPANTS_MAX, 'participants');
}

function withRest(text: string, rest: number, what: string): string {
  return rest > 0 ? `${text}\n… and ${rest} more ${what}: see --json` : text;
}

function metricsText(metrics: UpdateReport['metrics']): string {
  const values = Object.entries(metrics).map(([name, value]) => `${printable(name)} ${metricText(value)}`);
  return shortened(values.join(', '), REASON_MAX);
}

function updateRow(round: RoundReport, update: UpdateReport): string[] {
  const { status, reason } = update;
  const what = update.checkpoint?.problem == null ? status : `${status}, unusable`;
  return [
    String(round.round),
    nameText(update.participant),
    reason === null ? what : `${what}: ${shortened(printable(reason), REASON_MAX)}`,
    timeText(update.deliveredAtMs),
    orDash(update.sizeBytes, sizeText),
    orDash(update.weight, (weight) => weight.toFixed(3)),
    orDash(update.trainingMs, durationText),
    orDash(update.transferMs, durationText),
    orDash(update.bytesPerSecond, speedText),
    orDash(update.waitingMs, durationText),
    metricsText(update.metrics),
  ];
}

function roundTable({ rounds }: Inspection, options: TextOptions): string {
  const rows = rounds.flatMap((round) => round.updates.map((update) => updateRow(round, update)));
  if (rows.length === 0) return 'No updates.';
  const head = [
    'round',
    'participant',
    'update',
    'delivered (UTC)',
    'size',
    'weight',
    'trained',
    'transfer',
    'speed',
    'waited',
    'metrics',
  ];
  const right = [0, 4, 5, 6, 7, 8, 9];
  const table = textTable({ head, right, rows: rows.slice(0, UPDATES_MAX), colour: options.colour });
  return withRest(table, rows.length - UPDATES_MAX, 'updates');
}

function modelLines({ rounds }: Inspection): readonly string[] {
  return rounds.map(({ round, start, startedAtMs, startBytes, startCheckpoint, aggregationMs, isFinal }) => {
    const model =
      start === 'model'
        ? `${sizeText(startBytes ?? 0)}${startCheckpoint === null ? '' : `, ${startCheckpoint.tensors} tensors, ${startCheckpoint.parameters} parameters`}`
        : { 'no-model': 'no start model', missing: 'no start at all' }[start];
    const aggregation = aggregationMs === null ? '' : `, aggregated in ${durationText(aggregationMs)}`;
    const name = isFinal ? 'final model' : `round ${round}`;
    return `${name.padEnd(13)} ${timeText(startedAtMs)} UTC, ${model}${aggregation}`;
  });
}

const MARKS: Readonly<Record<Irregularity['severity'], string>> = {
  error: 'ERROR  ',
  warning: 'warning',
  note: 'note   ',
};

function irregularityLines({ irregularities, irregularityCounts }: Inspection): readonly string[] {
  const lines = irregularities.map(({ severity, code, path, message }) => {
    const where = path === '' ? '' : `${shortened(printable(path), 100)}: `;
    return `${MARKS[severity]}  ${code.padEnd(20)}  ${where}${shortened(printable(message), 200)}`;
  });
  const total = irregularityCounts.reduce((sum, { count }) => sum + count, 0);
  return total > lines.length ? [...lines, `… and ${total - lines.length} more of these kinds`] : lines;
}

/**
 * An inspection as a person reads it on a terminal.
 *
 * Guarantees: nothing that comes from the folder steers the terminal; what does not fit is counted.
 */
export function inspectionText(inspection: Inspection, options: TextOptions): string {
  const irregularities = irregularityLines(inspection);
  const sections = [
    summary(inspection),
    participantTable(inspection, options),
    ['Timeline (UTC)', textTimeline(inspection, options.width)].join('\n'),
    ['Models', ...modelLines(inspection)].join('\n'),
    roundTable(inspection, options),
    irregularities.length === 0 ? 'No irregularities.' : ['Irregularities', ...irregularities].join('\n'),
  ];
  return sections.join('\n\n');
}
