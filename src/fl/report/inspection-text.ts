import { printable, shortened } from '../../printable.ts';
import type { Inspection, ParticipantReport, RoundReport, UpdateReport } from '../inspection/inspection.ts';
import type { Irregularity } from '../inspection/irregularity.ts';
import { endingWords } from '../round/protocol-texts.ts';
import { type FittedColumn, fittedTable } from './fitted-table.ts';
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
  lines.push(...serverLines(inspection));
  lines.push(`participants  ${participants.length}: ${admitted} admitted, ${lost} lost`);
  lines.push(`rounds        ${closed}${planned} closed`);
  if (mount !== null) lines.push(`API calls     ${mount.calls} by this mount in the hours of the run`);
  return lines.join('\n');
}

/** Since when the server was not heard, when it is due, and whom it waits for: while the run goes on. */
function serverLines({ ending, server }: Inspection): readonly string[] {
  if (ending.kind !== 'open' || server.heardAtMs === null) return [];
  const due = server.dueAtMs === null ? '' : `, due at ${timeText(server.dueAtMs).slice(11)}`;
  const awaited = server.awaited.map((name) => nameText(name)).join(', ');
  const waits = awaited === '' ? [] : [`              it waited for ${shortened(awaited, REASON_MAX)}`];
  return [`server        last heard ${timeText(server.heardAtMs)} UTC${due}`, ...waits];
}

type Row = { readonly participant: ParticipantReport; readonly time: (atMs: number | null) => string };

const PARTICIPANT_COLUMNS: readonly FittedColumn<Row>[] = [
  { head: 'participant', cell: ({ participant }) => nameText(participant.name), rank: 0, cutTo: 12 },
  { head: 'admission', cell: ({ participant }) => participant.admission, rank: 0 },
  { head: 'answered', cell: ({ participant, time }) => time(participant.answeredAtMs), rank: 6 },
  {
    head: 'last heartbeat',
    cell: ({ participant: { heartbeat }, time }) => (heartbeat === null ? 'none' : time(heartbeat.lastAtMs)),
    rank: 4,
  },
  {
    head: 'silent',
    cell: ({ participant }) => orDash(participant.heartbeat, ({ silentMs }) => durationText(silentMs)),
    alignsRight: true,
    rank: 2,
  },
  {
    head: 'lost',
    cell: ({ participant: { lost } }) => (lost === null ? '' : `round ${lost.round ?? '?'}`),
    rank: 1,
  },
  { head: 'updates', cell: ({ participant }) => String(participant.delivered), alignsRight: true, rank: 3 },
  { head: 'bytes', cell: ({ participant }) => sizeText(participant.bytes), alignsRight: true, rank: 5 },
];

function participantTable(inspection: Inspection, options: TextOptions): string {
  const { participants } = inspection;
  if (participants.length === 0) return 'No participants.';
  const time = timesOf(inspection);
  const rows = participants.slice(0, PARTICIPANTS_MAX).map((participant) => ({ participant, time }));
  const table = fittedTable({ columns: PARTICIPANT_COLUMNS, rows, ...options });
  return withRest(table, participants.length - PARTICIPANTS_MAX, 'participants');
}

/** Times of a run within one day need no date: that stands in the first lines. */
function timesOf({ startedAtMs, lastActivityAtMs }: Inspection): (atMs: number | null) => string {
  const day = timeText(startedAtMs).slice(0, 10);
  const isOneDay = startedAtMs !== null && day === timeText(lastActivityAtMs).slice(0, 10);
  return (atMs) => {
    const text = timeText(atMs);
    if (isOneDay && text.startsWith(day)) return text.slice(11);
    return atMs === null ? text : text.slice(0, 16);
  };
}

function withRest(text: string, rest: number, what: string): string {
  return rest > 0 ? `${text}\n… and ${rest} more ${what}: see --json` : text;
}

function metricsText(metrics: UpdateReport['metrics']): string {
  const values = Object.entries(metrics).map(([name, value]) => `${printable(name)} ${metricText(value)}`);
  return shortened(values.join(', '), REASON_MAX);
}

type UpdateRow = {
  readonly round: RoundReport;
  readonly update: UpdateReport;
  readonly time: (atMs: number | null) => string;
};

function statusText({ status, reason, checkpoint }: UpdateReport): string {
  const what = checkpoint?.problem == null ? status : `${status}, unusable`;
  return reason === null ? what : `${what}: ${shortened(printable(reason), REASON_MAX)}`;
}

const UPDATE_COLUMNS: readonly FittedColumn<UpdateRow>[] = [
  { head: 'round', cell: ({ round }) => String(round.round), alignsRight: true, rank: 0 },
  { head: 'participant', cell: ({ update }) => nameText(update.participant), rank: 0, cutTo: 11 },
  { head: 'update', cell: ({ update }) => statusText(update), rank: 0, cutTo: 12 },
  { head: 'delivered', cell: ({ update, time }) => time(update.deliveredAtMs), rank: 2 },
  { head: 'size', cell: ({ update }) => orDash(update.sizeBytes, sizeText), alignsRight: true, rank: 5 },
  {
    head: 'weight',
    cell: ({ update }) => orDash(update.weight, (weight) => weight.toFixed(3)),
    alignsRight: true,
    rank: 4,
  },
  {
    head: 'trained',
    cell: ({ update }) => orDash(update.trainingMs, durationText),
    alignsRight: true,
    rank: 3,
  },
  {
    head: 'transfer',
    cell: ({ update }) => orDash(update.transferMs, durationText),
    alignsRight: true,
    rank: 6,
  },
  {
    head: 'speed',
    cell: ({ update }) => orDash(update.bytesPerSecond, speedText),
    alignsRight: true,
    rank: 8,
  },
  {
    head: 'waited',
    cell: ({ update }) => orDash(update.waitingMs, durationText),
    alignsRight: true,
    rank: 7,
  },
  { head: 'metrics', cell: ({ update }) => metricsText(update.metrics), rank: 1, cutTo: 14 },
];

function roundTable(inspection: Inspection, options: TextOptions): string {
  const time = timesOf(inspection);
  const rows = inspection.rounds.flatMap((round) => round.updates.map((update) => ({ round, update, time })));
  if (rows.length === 0) return 'No updates.';
  const table = fittedTable({ columns: UPDATE_COLUMNS, rows: rows.slice(0, UPDATES_MAX), ...options });
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
