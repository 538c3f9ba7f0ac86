import { FURTHER_LINE, terminalText } from '../terminal-text.ts';
import type { TimeStamps } from './time-stamps.ts';
import { wrapWords } from './word-wrap.ts';

/** One line, or several lines as a list. A line that holds ends of lines is shown as one text with marks. */
export type Words = string | readonly string[];

/** Each line as it may be shown, with its end. */
export const shown = (words: Words) =>
  (typeof words === 'string' ? [words] : words).map((line) => `${terminalText(line)}\n`).join('');

/** Where a terminal does not tell its width. */
const TERMINAL_COLUMNS = 80;
/** What stands before a further line of the same word, where the first one begins with a time. */
const BELOW_TIME = ' '.repeat('00:00:00 '.length);

/** How wide the terminal is on which a person reads; undefined where nobody watches. */
export const columnsWatched = () =>
  process.stderr.isTTY === true ? (process.stderr.columns ?? TERMINAL_COLUMNS) : undefined;

/** Words to the person as they are written: with their time where they have one, wrapped where somebody watches. */
export function written(words: Words, mayWrap: boolean, stamps: TimeStamps | undefined): string {
  const lead = stamps?.lead(Date.now());
  const below = lead === undefined ? '' : BELOW_TIME;
  const columns = mayWrap ? columnsWatched() : undefined;
  const lines = shown(words).slice(0, -1).split('\n');
  const placed = lines.map((line, index) => {
    const placedLine = `${index === 0 && lead !== undefined ? `${lead.time} ` : below}${line}`;
    if (columns === undefined) return placedLine;
    const isMarked = `\n${line}`.startsWith(FURTHER_LINE);
    return wrapWords(placedLine, columns, `${below}${isMarked ? FURTHER_LINE.slice(1) : '  '}`);
  });
  return [...(lead?.date === undefined ? [] : [lead.date]), ...placed].map((line) => `${line}\n`).join('');
}
