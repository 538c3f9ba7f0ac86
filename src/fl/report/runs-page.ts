import { printable } from '../../printable.ts';
import type { Inspection } from '../inspection/inspection.ts';
import { headlineOf, sitesOf } from './headline.ts';
import { html } from './html.ts';
import type { PageParts } from './live-page.ts';
import { NO_VALUE, pageTable } from './page-table.ts';
import { countText, timeText } from './quantities.ts';
import { orDash } from './sections/section.ts';

/** One run of a list; its inspection is null where `problem` says why. */
export interface ListedRun {
  readonly name: string;
  readonly inspection: Inspection | null;
  readonly problem: string | null;
}

const STATES: Readonly<Record<Inspection['ending']['kind'], string>> = {
  finished: 'finished',
  'stopped-by-user': 'stopped by a person',
  failed: 'aborted',
  unreadable: 'ended, nobody says how',
  open: 'running',
};

function roundsText({ rounds, roundsPlanned }: Inspection): string {
  const closed = rounds.filter(({ isFinal, closedAtMs }) => !isFinal && closedAtMs !== null).length;
  return roundsPlanned === null ? String(closed) : `${closed} of ${roundsPlanned}`;
}

function runCells({ name, inspection, problem }: ListedRun) {
  const link = html`<a href="runs/${encodeURIComponent(name)}/">${printable(name)}</a>`;
  if (inspection === null)
    return [link, 'not looked into', NO_VALUE, NO_VALUE, NO_VALUE, printable(problem ?? NO_VALUE)];
  return [
    link,
    STATES[inspection.ending.kind],
    roundsText(inspection),
    sitesOf(inspection),
    orDash(inspection.startedAtMs, timeText),
    headlineOf(inspection),
  ];
}

interface RunList {
  readonly folder: string;
  /** Newest first. */
  readonly runs: readonly ListedRun[];
  /** Runs beyond those. */
  readonly more: number;
}

/** The runs of a folder, with links to a page each. */
export function runListParts({ folder, runs, more }: RunList): PageParts {
  const running = runs.filter(({ inspection }) => inspection?.ending.kind === 'open').length;
  const table = pageTable({
    caption: 'Runs, the newest first; times in UTC',
    columns: [
      { head: 'run', kind: 'name' },
      { head: 'state' },
      { head: 'rounds', kind: 'number' },
      { head: 'participants', kind: 'number' },
      { head: 'started', kind: 'time' },
      { head: 'in a sentence', kind: 'foreign' },
    ],
    rows: runs.map(runCells),
    rowsMax: runs.length,
  });
  const rest = more > 0 ? html`<p>… and ${countText(more, 'older run')}.</p>` : '';
  return {
    title: 'Federated runs',
    contents: { id: 'part-contents', body: html`<p>${printable(folder)}</p>` },
    parts: [
      {
        id: 'part-headline',
        body: html`<p class="headline">${countText(runs.length + more, 'run')}, ${running} of them open</p>`,
      },
      { id: 'part-runs', body: runs.length === 0 ? html`<p>No runs yet.</p>` : html`${table}${rest}` },
    ],
  };
}
