import { printable } from '../../../printable.ts';
import type { Inspection, UpdateReport } from '../../inspection/inspection.ts';
import { html, type Markup } from '../html.ts';
import { NO_VALUE, pageTable } from '../page-table.ts';
import { durationText, metricText, sizeText, speedText } from '../quantities.ts';
import { type TableTimes, tableTimes } from '../table-times.ts';
import { withoutUnixTimes } from '../unix-times.ts';
import { orDash, ROWS_MAX, type Section } from './section.ts';

/** What was measured: each metric stays on one line where a line holds it. */
function metricCell(metrics: UpdateReport['metrics']): string | Markup {
  const all = Object.entries(metrics);
  if (all.length === 0) return NO_VALUE;
  return html`${all.map(
    ([name, value], index) =>
      html`<span class="w">${printable(name)} ${metricText(value)}${index < all.length - 1 ? ',' : ''}</span> `,
  )}`;
}

function updateCells(round: number, update: UpdateReport, times: TableTimes) {
  const { status, reason, checkpoint } = update;
  const problem = checkpoint?.problem ?? null;
  return [
    round,
    printable(update.participant),
    [status, reason, problem]
      .filter((word) => word !== null)
      .map((word) => printable(withoutUnixTimes(word)))
      .join(': '),
    metricCell(update.metrics),
    times.text(update.deliveredAtMs),
    orDash(update.sizeBytes, sizeText),
    orDash(update.samples, String),
    orDash(update.weight, (weight) => weight.toFixed(3)),
    orDash(update.trainingMs, durationText),
    orDash(update.transferMs, durationText),
    orDash(update.bytesPerSecond, speedText),
    orDash(update.waitingMs, durationText),
  ];
}

function modelCells(round: Inspection['rounds'][number], times: TableTimes) {
  const { start, startBytes, startCheckpoint } = round;
  return [
    round.isFinal ? 'final model' : `round ${round.round}`,
    times.text(round.startedAtMs),
    { model: 'an aggregate', 'no-model': 'no model', missing: 'missing' }[start],
    orDash(startBytes, sizeText),
    orDash(startCheckpoint, ({ tensors }) => String(tensors)),
    orDash(startCheckpoint, ({ parameters }) => String(parameters)),
    orDash(round.aggregationMs, durationText),
  ];
}

/** Every round: the model that it started from, and every update. */
export function roundSection({ rounds }: Inspection): Section {
  const begun = tableTimes(rounds.map(({ startedAtMs }) => startedAtMs));
  const delivered = tableTimes(rounds.flatMap(({ updates }) => updates.map((each) => each.deliveredAtMs)));
  const models = pageTable({
    caption: `Models; ${begun.note}`,
    columns: [
      { head: 'starts', kind: 'name' },
      { head: 'began', kind: 'time' },
      { head: 'from' },
      { head: 'size', kind: 'number' },
      { head: 'tensors', kind: 'number' },
      { head: 'parameters', kind: 'number' },
      { head: 'aggregation took', kind: 'number' },
    ],
    rows: rounds.map((round) => modelCells(round, begun)),
    rowsMax: ROWS_MAX,
  });
  const updates = pageTable({
    caption: `Updates; ${delivered.note}`,
    columns: [
      { head: 'round', kind: 'number' },
      { head: 'participant', kind: 'foreign' },
      { head: 'update', kind: 'foreign' },
      { head: 'metrics', kind: 'foreign', optional: true },
      { head: 'delivered', kind: 'time' },
      { head: 'size', kind: 'number' },
      { head: 'samples', kind: 'number', optional: true },
      { head: 'weight', kind: 'number', optional: true },
      { head: 'trained', kind: 'number', optional: true },
      { head: 'transfer', kind: 'number', optional: true },
      { head: 'speed', kind: 'number', optional: true },
      { head: 'waited', kind: 'number', optional: true },
    ],
    rows: rounds.flatMap((round) =>
      round.updates.map((update) => updateCells(round.round, update, delivered)),
    ),
    rowsMax: ROWS_MAX,
  });
  return { id: 'rounds', title: 'Rounds', body: html`${models}${updates}` };
}
