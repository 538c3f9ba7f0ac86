import { printable } from '../../printable.ts';
import type { Inspection } from '../inspection/inspection.ts';
import { endingWords } from '../round/protocol-texts.ts';
import { accuracyChart, type RoundAccuracy } from './accuracy-chart.ts';
import { html, type Markup } from './html.ts';
import { PAGE_STYLE } from './page-style.ts';
import { pageTable } from './page-table.ts';
import { durationText, timeText } from './quantities.ts';
import { irregularitySection } from './sections/irregularity-section.ts';
import { metricSection } from './sections/metric-section.ts';
import { participantSection } from './sections/participant-section.ts';
import { roundSection } from './sections/round-section.ts';
import type { Section } from './sections/section.ts';
import { taskSection } from './sections/task-section.ts';
import { timelineSection } from './sections/timeline-section.ts';
import { transferSection } from './sections/transfer-section.ts';

/** What a page about a run shows. */
export interface RunPage {
  readonly inspection: Inspection;
  /** Test accuracy by round, where somebody measured it. */
  readonly accuracy: readonly RoundAccuracy[] | null;
  /** Further facts about the run: label and value. */
  readonly facts: readonly (readonly [label: string, value: string])[];
}

/** Says in a page who wrote it. */
const PAGE_GENERATOR = 'mila-sync inspect';

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
  const body = html`<figure>${accuracyChart(rounds)}<figcaption>Solid: the aggregate after each round. Dashed: each
participant's own model, as it was before it was aggregated.</figcaption></figure>
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

/** What was written at the end, and when. */
function endedWords({ text, atMs }: RunPage['inspection']['ending']): string {
  if (text === null) return 'not yet';
  return atMs === null ? endingWords(text) : `${endingWords(text)}, ${timeText(atMs)} UTC`;
}

function summary({ inspection, facts }: RunPage): Markup {
  const { ending, participants, startedAtMs, lastActivityAtMs, roundsPlanned, rounds } = inspection;
  const closed = rounds.filter(({ isFinal, closedAtMs }) => !isFinal && closedAtMs !== null).length;
  const took = startedAtMs === null || lastActivityAtMs === null ? null : lastActivityAtMs - startedAtMs;
  const all = [
    ['run folder', printable(inspection.folder)],
    ['started', `${timeText(startedAtMs)} UTC`],
    [
      'last activity',
      `${timeText(lastActivityAtMs)} UTC${took === null ? '' : `, ${durationText(took)} later`}`,
    ],
    ['ended', endedWords(ending)],
    ['participants', String(participants.length)],
    ['rounds closed', roundsPlanned === null ? String(closed) : `${closed} of ${roundsPlanned}`],
    [
      'looked at',
      `${timeText(inspection.inspectedAtMs)} UTC, ${inspection.mount === null ? 'a plain copy' : 'on a mount'}`,
    ],
    ...facts,
  ] as const;
  return html`<dl>${all.map(([label, value]) => html`<dt>${label}</dt><dd>${value}</dd>`)}</dl>`;
}

function sectionsOf({ inspection, accuracy }: RunPage): readonly Section[] {
  const sections = [
    accuracy === null || accuracy.length === 0 ? null : accuracySection(accuracy),
    irregularitySection(inspection),
    timelineSection(inspection),
    participantSection(inspection),
    metricSection(inspection),
    roundSection(inspection),
    transferSection(inspection),
    taskSection(inspection),
  ];
  return sections.filter((section) => section !== null);
}

/**
 * One self-contained page about a run.
 *
 * Guarantees: no script, nothing loaded from anywhere; everything that came from files is escaped; readable on
 * light, dark and paper, by keyboard and by screen reader: every plot has its numbers in a table.
 */
export function renderRunPage(content: RunPage): string {
  const name = printable(content.inspection.name);
  const sections = sectionsOf(content);
  const page = html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="${PAGE_GENERATOR}">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Federated run ${name}</title><style>${PAGE_STYLE}</style></head>
<body><a class="skip" href="#content">Skip to the content</a><header><h1>Federated run ${name}</h1>
<nav aria-label="Contents"><ul>${sections.map(
    ({ id, title }) => html`<li><a href="#${id}">${title}</a></li>
`,
  )}</ul></nav></header>
<main id="content" tabindex="-1">${summary(content)}
${sections.map(
  ({ id, title, body }) => html`<section aria-labelledby="${id}"><h2 id="${id}">${title}</h2>
${body}</section>
`,
)}</main></body></html>
`;
  return page.markup;
}
