import { printable } from '../../printable.ts';
import type { Inspection } from '../inspection/inspection.ts';
import { endingWords } from '../round/protocol-texts.ts';
import { sha256Words } from './final-model.ts';
import { headlineOf } from './headline.ts';
import { html, type Markup } from './html.ts';
import type { RunPage } from './page-content.ts';
import { durationText, sizeText, timeText } from './quantities.ts';
import { withoutUnixTimes } from './unix-times.ts';

/** What was written at the end, and when. */
function endedWords({ text, atMs }: Inspection['ending']): string {
  if (text === null) return 'not yet';
  const words = printable(withoutUnixTimes(endingWords(text)));
  return atMs === null ? words : `${words}, ${timeText(atMs)} UTC`;
}

function modelFacts({ finalModel, inspection }: RunPage): readonly (readonly [string, string])[] {
  // An aborted run has a last aggregate; nobody promised that it is what was wanted.
  const name = inspection.ending.kind === 'finished' ? 'final model' : 'last aggregate';
  if (finalModel === null) return [['final model', inspection.ending.kind === 'open' ? 'not yet' : 'none']];
  const { path, sizeBytes } = finalModel;
  return [
    [name, sizeBytes === null ? printable(path) : `${printable(path)} (${sizeText(sizeBytes)})`],
    ['its SHA-256', sha256Words(finalModel)],
  ];
}

/** Whether an open run's server can be thought to run. */
function serverFacts({ ending, server }: Inspection): readonly (readonly [string, string])[] {
  if (ending.kind !== 'open' || server.heardAtMs === null) return [];
  const due = server.dueAtMs === null ? '' : `, due at ${timeText(server.dueAtMs)} UTC`;
  return [['server last heard', `${timeText(server.heardAtMs)} UTC${due}`]];
}

/** How the run stands or ended, in one sentence. */
export function headlinePart({ inspection }: RunPage): Markup {
  return html`<p class="headline">${headlineOf(inspection)}</p>`;
}

/** The facts about the run as a whole. */
export function summaryPart(page: RunPage): Markup {
  const { inspection, facts, isServed } = page;
  const { ending, participants, startedAtMs, lastActivityAtMs, roundsPlanned, rounds } = inspection;
  const closed = rounds.filter(({ isFinal, closedAtMs }) => !isFinal && closedAtMs !== null).length;
  const took = startedAtMs === null || lastActivityAtMs === null ? null : lastActivityAtMs - startedAtMs;
  const all: readonly (readonly [string, string])[] = [
    ...modelFacts(page),
    ['started', startedAtMs === null ? 'not known' : `${timeText(startedAtMs)} UTC`],
    [
      'last activity',
      lastActivityAtMs === null
        ? 'none'
        : `${timeText(lastActivityAtMs)} UTC${took === null ? '' : `, ${durationText(took)} later`}`,
    ],
    ...serverFacts(inspection),
    ['ended', endedWords(ending)],
    ['participants', String(participants.length)],
    ['rounds closed', roundsPlanned === null ? String(closed) : `${closed} of ${roundsPlanned}`],
    [
      'run folder',
      `${printable(inspection.folder)} (${inspection.mount === null ? 'a plain copy' : 'on a mount'})`,
    ],
    ...(isServed === true ? [] : [['looked at', `${timeText(inspection.inspectedAtMs)} UTC`] as const]),
    ...facts,
  ];
  return html`<dl>${all.map(([label, value]) => html`<dt>${label}</dt><dd>${value}</dd>`)}</dl>`;
}
