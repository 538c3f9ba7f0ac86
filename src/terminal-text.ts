import { randomUUID } from 'node:crypto';
import { inspect } from 'node:util';
import { printable, printableLines } from './printable.ts';

/** Tells this process's own colours from those that somebody wrote into a name: nobody can guess it. */
const SEAL = `\u001b<${randomUUID()}>`;
const SEALED = new RegExp(`${SEAL}([0-9;]*)m`, 'gu');
// biome-ignore lint/suspicious/noControlCharactersInRegex: the control character is what is looked for.
const COLOUR = /\u001b\[([0-9;]*)m/gu;

/** Colours and weights that words may have. */
export type Tint = 'green' | 'yellow' | 'red' | 'cyan' | 'dim' | 'gray' | 'bold';

/** Words in a colour of our own. Guarantees: colours that stand in the words themselves do not become ours. */
export function tinted(tint: Tint, text: string): string {
  const [open, close] = inspect.colors[tint] ?? [0, 0];
  return `${SEAL}${open}m${text}${SEAL}${close}m`;
}

/** Declares every colour in a text as ours. Only for text in which nothing foreign is left as it was. */
export function withOwnColours(text: string): string {
  return text.replaceAll(COLOUR, `${SEAL}$1m`);
}

/** Apply to the pieces between our own colours, and give the colours their real form. */
function between(text: string, spell: (piece: string) => string): string {
  // Splitting by a pattern with one group gives pieces and groups in turn.
  return text
    .split(SEALED)
    .map((part, index) => (index % 2 === 0 ? spell(part) : `\u001b[${part}m`))
    .join('');
}

/** One line for a terminal. Guarantees: no control character but those of our own colours. */
export function terminalLine(text: string): string {
  return between(text, printable);
}

/** What stands before every further line of a text that should have been one. */
export const FURTHER_LINE = '\n  | ';

/**
 * A text for a terminal: one line, or several by its writer's will, each further one marked as a part of the first.
 *
 * Guarantees: nothing but tabs, ends of lines and our own colours is a control; no line of a foreign text can pass for
 * a line of this program.
 */
export function terminalText(text: string): string {
  return between(text, (piece) => printableLines(piece).replaceAll('\n', FURTHER_LINE));
}
