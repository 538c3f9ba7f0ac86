import { printable } from '../../../printable.ts';
import type { Inspection } from '../../inspection/inspection.ts';
import { html, type Markup } from '../html.ts';
import { pageFigure } from '../page-figure.ts';
import { metricText } from '../quantities.ts';
import { roundLinesChart } from '../round-lines-chart.ts';
import type { Section } from './section.ts';
import { updateLines } from './update-lines.ts';

const METRICS_MAX = 6;

function metricFigure(inspection: Inspection, metric: string): Markup {
  const { rounds, lines, total } = updateLines(inspection, ({ metrics }) => metrics[metric] ?? null);
  const mean = { name: 'weighted mean', values: rounds.map(({ metrics }) => metrics[metric] ?? null) };
  const shown = printable(metric);
  const chart = roundLinesChart({
    label: `The participants' ${shown} by round; the table of updates has the numbers.`,
    valueName: shown,
    rounds: rounds.map(({ round }) => round),
    together: mean.values.every((value) => value === null) ? null : mean,
    lines,
    valueText: metricText,
  });
  const some = total > lines.length ? `; ${lines.length} of ${total} participants` : '';
  return pageFigure({ name: shown, chart, caption: `${shown}, as the participants told it${some}.` });
}

/** What the participants measured, round by round. */
export function metricSection(inspection: Inspection): Section | null {
  const updates = inspection.rounds.flatMap((round) => round.updates);
  const metrics = [...new Set(updates.flatMap((update) => Object.keys(update.metrics)))].sort();
  if (metrics.length === 0) return null;
  const figures = metrics.slice(0, METRICS_MAX).map((metric) => metricFigure(inspection, metric));
  const rest = metrics.length - figures.length;
  const body = html`${figures}${rest > 0 ? html`<p>… and ${rest} more metrics; --json has them.</p>` : ''}`;
  return { id: 'metrics', title: 'Metrics by round', body };
}
