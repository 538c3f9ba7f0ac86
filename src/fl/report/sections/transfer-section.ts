import { printable } from '../../../printable.ts';
import type { Inspection } from '../../inspection/inspection.ts';
import { callsChart } from '../calls-chart.ts';
import { html, type Markup } from '../html.ts';
import { pageFigure } from '../page-figure.ts';
import { pageTable } from '../page-table.ts';
import { durationText, sizeText, speedText } from '../quantities.ts';
import { roundLinesChart } from '../round-lines-chart.ts';
import { ROWS_MAX, type Section } from './section.ts';
import { updateLines } from './update-lines.ts';

/** How fast updates travelled, and what a mount cost at Box. */
export function transferSection(inspection: Inspection): Section | null {
  const { rounds, lines, total } = updateLines(inspection, ({ bytesPerSecond }) => bytesPerSecond);
  const { mount } = inspection;
  if (lines.length === 0 && mount === null) return null;
  const speeds =
    lines.length === 0
      ? ''
      : pageFigure({
          name: 'speed of uploads',
          chart: roundLinesChart({
            label: 'Speed of each update’s transfer by round; the table of updates has the numbers.',
            valueName: 'speed',
            rounds: rounds.map(({ round }) => round),
            together: null,
            lines,
            min: 0,
            valueText: speedText,
          }),
          caption: `Speed of uploads${total > lines.length ? `, ${lines.length} of ${total} participants` : ''}.`,
        });
  return {
    id: 'transfers',
    title: mount === null ? 'Sizes and speeds' : 'Speeds and API calls',
    body: html`${speeds}${mount === null ? '' : mountPart(mount)}`,
  };
}

function mountPart(mount: NonNullable<Inspection['mount']>): Markup {
  return html`<p>${mount.calls} API calls by this mount in the hours of the run.</p>
${mount.byHour.length === 0 ? '' : pageFigure({ name: 'API calls', chart: callsChart(mount), caption: 'API calls by the hour, UTC.' })}
${pageTable({
  caption: 'API calls by endpoint',
  columns: [
    { head: 'endpoint', kind: 'name' },
    { head: 'calls', kind: 'number' },
  ],
  rows: mount.byEndpoint.map(({ endpoint, calls }) => [printable(endpoint), calls]),
  rowsMax: ROWS_MAX,
})}
${pageTable({
  caption: 'Transfers and other work of this mount',
  columns: [
    { head: 'what', kind: 'name' },
    { head: 'times', kind: 'number' },
    { head: 'failed', kind: 'number' },
    { head: 'bytes', kind: 'number' },
    { head: 'took', kind: 'number' },
  ],
  rows: mount.transfers.map(({ op, count, failed, bytes, durationMs }) => [
    printable(op),
    count,
    failed,
    sizeText(bytes),
    durationText(durationMs),
  ]),
  rowsMax: ROWS_MAX,
})}`;
}
