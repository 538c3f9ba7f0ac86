import { printable } from '../../../printable.ts';
import type { Activity, Inspection } from '../../inspection/inspection.ts';
import { html } from '../html.ts';
import { pageFigure } from '../page-figure.ts';
import { pageTable } from '../page-table.ts';
import { durationText, timeText } from '../quantities.ts';
import { timelineBounds } from '../text-timeline.ts';
import { ACTIVITY_LOOKS, timelineChart } from '../timeline-chart.ts';
import { type TimelineRow, timelineRows } from '../timeline-rows.ts';
import { PARTICIPANTS_MAX, ROWS_MAX, type Section } from './section.ts';

/** How long a participant spent with what, all its spans together. */
function totalOf({ spans }: TimelineRow, activity: Activity): string {
  const ms = spans
    .filter((span) => span.activity === activity)
    .reduce((sum, { fromMs, toMs }) => sum + toMs - fromMs, 0);
  return ms === 0 ? '–' : durationText(ms);
}

/** The timeline, and its durations as a table. */
export function timelineSection(inspection: Inspection): Section | null {
  const { fromMs, toMs } = timelineBounds(inspection);
  const shown = timelineRows(inspection);
  if (toMs <= fromMs || shown.length === 0) return null;
  const rows = shown.slice(0, PARTICIPANTS_MAX);
  const swatches = ACTIVITY_LOOKS.map(({ word }) => ({ head: word, kind: 'number' as const }));
  const estimated = shown.some(({ spans }) => spans.some((span) => span.estimated));
  const note = estimated ? ' Pale with a dashed edge: estimated, because no file tells.' : '';
  const rest = shown.length > rows.length ? ` The first ${rows.length} of ${shown.length} rows.` : '';
  const body = html`${pageFigure({
    name: 'timeline',
    chart: timelineChart({ rows, rounds: inspection.rounds, fromMs, toMs }),
    caption: `From ${timeText(fromMs)} to ${timeText(toMs)} UTC. Each line is the beginning of a round.${note}${rest}`,
  })}
${pageTable({
  caption: 'What each participant spent its time with',
  columns: [{ head: 'participant', kind: 'name' }, ...swatches],
  rows: shown.map((each) => [
    printable(each.name),
    ...ACTIVITY_LOOKS.map(({ activity }) => totalOf(each, activity)),
  ]),
  rowsMax: ROWS_MAX,
})}`;
  return { id: 'timeline', title: 'Timeline', body };
}
