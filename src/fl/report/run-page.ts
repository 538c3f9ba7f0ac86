import { accuracyChart, type RoundAccuracy } from './accuracy-chart.ts';
import { html, type Markup } from './html.ts';
import { PAGE_STYLE } from './page-style.ts';
import type { RecordedParticipant, RunRecord } from './run-record.ts';

/** What a page about a run shows. */
export interface RunPage {
  readonly record: RunRecord;
  /** Test accuracy by round, where somebody measured it. */
  readonly accuracy: readonly RoundAccuracy[] | null;
  /** Further facts about the run: label and value. */
  readonly facts: readonly (readonly [label: string, value: string])[];
}

const percent = (share: number) => `${(share * 100).toFixed(2)} %`;
const size = (bytes: number) =>
  bytes < 1_000
    ? `${bytes} B`
    : bytes < 1e6
      ? `${(bytes / 1e3).toFixed(1)} kB`
      : `${(bytes / 1e6).toFixed(2)} MB`;
const time = (atMs: number) => new Date(atMs).toISOString().replace('T', ' ').slice(0, 19);

function accuracySection(rounds: readonly RoundAccuracy[]): Markup {
  const names = Object.keys(rounds[0]?.clients ?? {});
  return html`<section><h2>Accuracy on digits nobody trained on</h2>
<figure>${accuracyChart(rounds)}<figcaption>Solid: the aggregate after each round. Dashed: each participant's own
model, as it was before it was aggregated.</figcaption></figure>
<table><thead><tr><th>round</th><th class="n">aggregate</th>${names.map((name) => html`<th class="n">${name}</th>`)}</tr></thead>
<tbody>${rounds.map(
    ({ round, aggregate, clients }) =>
      html`<tr><td>${round}</td><td class="n"><strong>${percent(aggregate)}</strong></td>${names.map(
        (name) => html`<td class="n">${clients[name] === undefined ? '–' : percent(clients[name])}</td>`,
      )}</tr>
`,
  )}</tbody></table></section>`;
}

const ANSWERS: Readonly<Record<RecordedParticipant['answer'], string>> = {
  authenticated: 'admitted',
  error: 'refused',
  none: 'not answered',
  other: 'unreadable answer',
  missing: 'never asked',
};

function participantSection({ participants }: RunRecord): Markup {
  return html`<section><h2>Participants</h2>
<table><thead><tr><th>name</th><th>registration</th><th>last heartbeat (UTC)</th><th>connection</th></tr></thead>
<tbody>${participants.map(
    ({ name, answer, heartbeatAtMs, lost }) =>
      html`<tr><td>${name}</td><td>${ANSWERS[answer]}</td><td>${
        heartbeatAtMs === null ? '–' : time(heartbeatAtMs)
      }</td><td>${lost ?? 'kept'}</td></tr>
`,
  )}</tbody></table></section>`;
}

function roundSection({ rounds }: RunRecord): Markup {
  const start = (round: RunRecord['rounds'][number]) => {
    if (round.aggregate !== null) return size(round.aggregate.sizeBytes);
    return round.noStartModel ? 'no start model' : 'missing';
  };
  return html`<section><h2>Rounds</h2>
<table><thead><tr><th>round</th><th>starts from</th><th>participant</th><th class="n">checkpoint</th><th class="n">samples</th>
<th class="n">trained</th><th>delivered (UTC)</th></tr></thead>
<tbody>${rounds.map((round) =>
    round.updates.length === 0
      ? html`<tr><td>${round.round}</td><td>${start(round)}</td><td colspan="5">no checkpoints: the result of the round before</td></tr>
`
      : round.updates.map(
          (update, index) => html`<tr>${
            index > 0
              ? ''
              : html`<td rowspan="${round.updates.length}">${round.round}</td><td rowspan="${round.updates.length}">${start(round)}</td>`
          }<td>${update.participant}</td><td class="n">${size(update.sizeBytes)}</td><td class="n">${update.samples ?? '–'}</td><td class="n">${
            update.trainingSeconds === null ? '–' : `${update.trainingSeconds.toFixed(1)} s`
          }</td><td>${time(update.modifiedAtMs)}</td></tr>
`,
        ),
  )}</tbody></table></section>`;
}

function taskSection({ task }: RunRecord): Markup {
  if (task === null) return html`<section><h2>Task</h2><p>cfg.json is missing.</p></section>`;
  return html`<section><h2>Task (cfg.json)</h2><pre>${task.trimEnd()}</pre></section>`;
}

/**
 * One self-contained page about a run.
 *
 * Guarantees: no script, nothing loaded from anywhere; everything that came from files is escaped; readable on
 * light, dark and paper.
 */
export function renderRunPage({ record, accuracy, facts }: RunPage): string {
  const all = [
    ['run folder', record.folder],
    ['ended', record.ended ?? 'not yet'],
    ['participants', String(record.participants.length)],
    ...facts,
  ] as const;
  const page = html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Federated run ${record.name}</title><style>${PAGE_STYLE}</style></head>
<body><header><h1>Federated run ${record.name}</h1></header><main>
<section><dl>${all.map(([label, value]) => html`<dt>${label}</dt><dd>${value}</dd>`)}</dl></section>
${accuracy === null || accuracy.length === 0 ? '' : accuracySection(accuracy)}
${participantSection(record)}
${roundSection(record)}
${taskSection(record)}
</main></body></html>
`;
  return page.markup;
}
