import { printable } from '../../../printable.ts';
import type { Inspection, UpdateReport } from '../../inspection/inspection.ts';
import { html } from '../html.ts';
import { pageTable } from '../page-table.ts';
import { durationText, metricText, sizeText, speedText, timeText } from '../quantities.ts';
import { orDash, ROWS_MAX, type Section } from './section.ts';

function updateCells(round: number, update: UpdateReport) {
  const { status, reason, checkpoint } = update;
  const problem = checkpoint?.problem ?? null;
  const metrics = Object.entries(update.metrics).map(
    ([name, value]) => `${printable(name)} ${metricText(value)}`,
  );
  return [
    round,
    printable(update.participant),
    [status, reason, problem]
      .filter((word) => word !== null)
      .map(printable)
      .join(': '),
    timeText(update.deliveredAtMs),
    orDash(update.sizeBytes, sizeText),
    orDash(update.samples, String),
    orDash(update.weight, (weight) => weight.toFixed(3)),
    orDash(update.trainingMs, durationText),
    orDash(update.transferMs, durationText),
    orDash(update.bytesPerSecond, speedText),
    orDash(update.waitingMs, durationText),
    metrics.length === 0 ? '–' : metrics.join(', '),
  ];
}

function modelCells(round: Inspection['rounds'][number]) {
  const { start, startBytes, startCheckpoint } = round;
  return [
    round.isFinal ? 'final model' : `round ${round.round}`,
    timeText(round.startedAtMs),
    { model: 'an aggregate', 'no-model': 'no model', missing: 'missing' }[start],
    orDash(startBytes, sizeText),
    orDash(startCheckpoint, ({ tensors }) => String(tensors)),
    orDash(startCheckpoint, ({ parameters }) => String(parameters)),
    orDash(round.aggregationMs, durationText),
  ];
}

/** Every round: the model that it started from, and every update. */
export function roundSection({ rounds }: Inspection): Section {
  const models = pageTable({
    caption: 'Models; times in UTC',
    columns: [
      { head: 'starts', kind: 'name' },
      { head: 'began', kind: 'time' },
      { head: 'from' },
      { head: 'size', kind: 'number' },
      { head: 'tensors', kind: 'number' },
      { head: 'parameters', kind: 'number' },
      { head: 'aggregation took', kind: 'number' },
    ],
    rows: rounds.map(modelCells),
    rowsMax: ROWS_MAX,
  });
  const updates = pageTable({
    caption: 'Updates; times in UTC',
    columns: [
      { head: 'round', kind: 'number' },
      { head: 'participant' },
      { head: 'update' },
      { head: 'delivered', kind: 'time' },
      { head: 'size', kind: 'number' },
      { head: 'samples', kind: 'number' },
      { head: 'weight', kind: 'number' },
      { head: 'trained', kind: 'number' },
      { head: 'transfer', kind: 'number' },
      { head: 'speed', kind: 'number' },
      { head: 'waited', kind: 'number' },
      { head: 'metrics' },
    ],
    rows: rounds.flatMap((round) => round.updates.map((update) => updateCells(round.round, update))),
    rowsMax: ROWS_MAX,
  });
  return { id: 'rounds', title: 'Rounds', body: html`${models}${updates}` };
}
