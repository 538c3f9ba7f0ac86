import { printable, shortened } from '../../printable.ts';
import type { Activity, Inspection, Span } from '../inspection/inspection.ts';
import { timeText } from './quantities.ts';
import { type TimelineRow, timelineRows } from './timeline-rows.ts';

const NAME_WIDTH = 16;
const ROWS_MAX = 60;
/** Fewer columns than this show nothing. */
const COLUMNS_MIN = 20;

const LETTERS: Readonly<Record<Activity, string>> = {
  waiting: '.',
  receiving: '<',
  training: '#',
  uploading: '>',
  absent: '-',
  unknown: '?',
  lost: 'x',
};

/** The time from which and up to which a run's timeline goes. Units: milliseconds since 1970. */
export function timelineBounds({ participants, rounds, startedAtMs }: Inspection): {
  fromMs: number;
  toMs: number;
} {
  let [fromMs, toMs] = [startedAtMs ?? Number.POSITIVE_INFINITY, startedAtMs ?? 0];
  const include = (atMs: number | null) => {
    if (atMs === null) return;
    fromMs = Math.min(fromMs, atMs);
    toMs = Math.max(toMs, atMs);
  };
  for (const { startedAtMs: atMs } of rounds) include(atMs);
  for (const { spans } of participants) {
    include(spans[0]?.fromMs ?? null);
    include(spans.at(-1)?.toMs ?? null);
  }
  return Number.isFinite(fromMs) ? { fromMs, toMs } : { fromMs: 0, toMs: 0 };
}

/** The activity that fills most of each column. */
function columnsOf(spans: readonly Span[], fromMs: number, step: number, columns: number): string {
  const shares = Array.from({ length: columns }, () => ({ letter: ' ', ms: 0 }));
  for (const { activity, fromMs: begin, toMs: end } of spans) {
    const first = Math.max(0, Math.floor((begin - fromMs) / step));
    const last = Math.min(columns - 1, Math.floor((end - fromMs) / step));
    for (let column = first; column <= last; column += 1) {
      const share = shares[column];
      const left = fromMs + column * step;
      const ms = Math.min(end, left + step) - Math.max(begin, left);
      if (share !== undefined && ms > share.ms) shares[column] = { letter: LETTERS[activity], ms };
    }
  }
  return shares.map(({ letter }) => letter).join('');
}

/** Where rounds begin: a mark, with the round's number behind it where there is room. */
function ruler({ rounds }: Inspection, fromMs: number, step: number, columns: number): string {
  const cells = Array.from({ length: columns }, () => ' ');
  let free = 0;
  for (const { round, startedAtMs, isFinal } of rounds) {
    if (startedAtMs === null) continue;
    const column = Math.min(columns - 1, Math.floor((startedAtMs - fromMs) / step));
    const label = isFinal ? '|' : `|${round}`;
    const text = column >= free && column + label.length <= columns ? label : '';
    for (const [index, letter] of [...text].entries()) cells[column + index] = letter;
    if (text !== '') free = column + text.length + 1;
  }
  return cells.join('');
}

const WORDS: Readonly<Record<Activity, string>> = {
  training: 'training',
  uploading: 'uploading',
  receiving: 'receiving the model',
  waiting: 'waiting',
  absent: 'not running',
  unknown: 'not known',
  lost: 'lost',
};

/** What the letters mean, of those that are there. */
function legend(shown: readonly TimelineRow[], columns: number): readonly string[] {
  const used = new Set(shown.flatMap(({ spans }) => spans.map(({ activity }) => activity)));
  const words = (Object.keys(WORDS) as Activity[])
    .filter((activity) => used.has(activity))
    .map((activity) => `${LETTERS[activity]} ${WORDS[activity]}`);
  const lines: string[] = [];
  for (const word of words) {
    const last = lines.at(-1);
    if (last === undefined || last.length + word.length + 2 > columns) lines.push(word);
    else lines[lines.length - 1] = `${last}  ${word}`;
  }
  return lines.map((line) => `${''.padEnd(NAME_WIDTH)}  ${line}`);
}

/** A row for each participant, and for a server that was away: what it was doing, from left to right. */
export function textTimeline(inspection: Inspection, width: number): string {
  const { fromMs, toMs } = timelineBounds(inspection);
  if (toMs <= fromMs) return 'No times to show.';
  const columns = Math.max(COLUMNS_MIN, width - NAME_WIDTH - 3);
  const step = (toMs - fromMs) / columns;
  const row = (name: string, cells: string) =>
    `${shortened(printable(name), NAME_WIDTH).padEnd(NAME_WIDTH)} |${cells}|`;
  const shown = timelineRows(inspection).slice(0, ROWS_MAX);
  return [
    row('round', ruler(inspection, fromMs, step, columns)),
    ...shown.map(({ name, spans }) => row(name, columnsOf(spans, fromMs, step, columns))),
    `${''.padEnd(NAME_WIDTH)}  ${timeText(fromMs)}${timeText(toMs).padStart(Math.max(1, columns - 19))}`,
    ...legend(shown, columns),
  ].join('\n');
}
