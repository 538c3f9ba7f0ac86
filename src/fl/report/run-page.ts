import { printable } from '../../printable.ts';
import { accuracyChart, type RoundAccuracy } from './accuracy-chart.ts';
import { html, type Markup } from './html.ts';
import type { PageParts } from './live-page.ts';
import type { RunPage } from './page-content.ts';
import { pageFigure } from './page-figure.ts';
import { framedPage, PAGE_GENERATOR } from './page-frame.ts';
import { STILL_POLICY } from './page-policy.ts';
import { pageTable } from './page-table.ts';
import { irregularitySection } from './sections/irregularity-section.ts';
import { metricSection } from './sections/metric-section.ts';
import { participantSection } from './sections/participant-section.ts';
import { roundSection } from './sections/round-section.ts';
import type { Section } from './sections/section.ts';
import { taskSection } from './sections/task-section.ts';
import { timelineSection } from './sections/timeline-section.ts';
import { transferSection } from './sections/transfer-section.ts';
import { headlinePart, summaryPart } from './summary-parts.ts';

/** Whether a page's beginning is one of these, also of those that did not say so yet. */
export function isRunPage(head: string): boolean {
  if (!head.startsWith('<!doctype html>')) return false;
  return (
    head.includes(`<meta name="generator" content="${PAGE_GENERATOR}">`) ||
    head.includes('<title>Federated run ')
  );
}

const percent = (share: number) => `${(share * 100).toFixed(2)} %`;

function accuracySection(rounds: readonly RoundAccuracy[]): Section {
  const names = Object.keys(rounds[0]?.clients ?? {});
  const body = html`${pageFigure({
    name: 'accuracy',
    chart: accuracyChart(rounds),
    caption:
      "Solid: the aggregate after each round. Dashed: each participant's own model, as it was before it was aggregated.",
  })}
${pageTable({
  caption: 'Accuracy by round',
  columns: [
    { head: 'round', kind: 'name' },
    { head: 'aggregate', kind: 'number' },
    ...names.map((name) => ({ head: printable(name), kind: 'number' as const })),
  ],
  rows: rounds.map(({ round, aggregate, clients }) => [
    round,
    html`<strong>${percent(aggregate)}</strong>`,
    ...names.map((name) => (clients[name] === undefined ? '–' : percent(clients[name]))),
  ]),
  rowsMax: rounds.length,
})}`;
  return { id: 'accuracy', title: 'Accuracy on digits nobody trained on', body };
}

/** Every section in its place, with its id; null where the run has nothing for it. */
function sectionsOf({ inspection, accuracy }: RunPage): readonly (readonly [string, Section | null])[] {
  return [
    ['accuracy', accuracy === null || accuracy.length === 0 ? null : accuracySection(accuracy)],
    ['irregularities', irregularitySection(inspection)],
    ['timeline', timelineSection(inspection)],
    ['participants', participantSection(inspection)],
    ['metrics', metricSection(inspection)],
    ['rounds', roundSection(inspection)],
    ['transfers', transferSection(inspection)],
    ['task', taskSection(inspection)],
  ];
}

function sectionBody(section: Section | null): Markup {
  if (section === null) return html``;
  const { id, title, body } = section;
  return html`<section aria-labelledby="${id}"><h2 id="${id}">${title}</h2>
${body}</section>`;
}

/** A page about a run in pieces. Guarantees: the ids and their order are the same for every run. */
export function runPageParts(content: RunPage): PageParts {
  const sections = sectionsOf(content);
  const shown = sections.map(([, section]) => section).filter((section) => section !== null);
  const links = shown.map(
    ({ id, title }) => html`<li><a href="#${id}">${title}</a></li>
`,
  );
  return {
    title: `Federated run ${printable(content.inspection.name)}`,
    contents: { id: 'part-contents', body: html`<ul>${links}</ul>` },
    parts: [
      { id: 'part-headline', body: headlinePart(content) },
      { id: 'part-summary', body: summaryPart(content) },
      ...sections.map(([id, section]) => ({ id: `part-${id}`, body: sectionBody(section) })),
    ],
  };
}

/**
 * One self-contained page about a run.
 *
 * Guarantees: no script, nothing loaded from anywhere; everything that came from files is escaped; readable on
 * light, dark and paper, by keyboard and by screen reader: every plot has its numbers in a table.
 */
export function renderRunPage(content: RunPage): string {
  return framedPage({
    head: html`<meta http-equiv="Content-Security-Policy" content="${STILL_POLICY}">
`,
    banner: html``,
    ...runPageParts(content),
    tail: html``,
  });
}
