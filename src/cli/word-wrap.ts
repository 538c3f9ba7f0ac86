// biome-ignore lint/suspicious/noControlCharactersInRegex: colours are what is looked for.
const COLOUR = /\u001b\[[0-9;]*m/gu;
/** A narrower terminal is taken for one of this width: nothing sensible fits into less. */
const WIDTH_MIN = 40;

const widthOf = (text: string) => [...text.replaceAll(COLOUR, '')].length;

/**
 * Break a line at spaces so that it fits a terminal.
 *
 * Units: `width` is in columns. Guarantees: a word is never broken, so a path or a command can be copied; a line that
 * fits stays as it is; colours take no room.
 */
export function wrapWords(line: string, width: number, indent: string): string {
  const room = Math.max(WIDTH_MIN, width);
  if (widthOf(line) <= room) return line;
  const lead = /^\s*/u.exec(line)?.[0] ?? '';
  const lines: string[] = [];
  let current = lead;
  for (const word of line.slice(lead.length).split(' ')) {
    const isFirst = current.trim() === '';
    const next = isFirst ? `${current}${word}` : `${current} ${word}`;
    if (isFirst || widthOf(next) <= room) current = next;
    else {
      lines.push(current);
      current = `${indent}${word}`;
    }
  }
  return [...lines, current].join('\n');
}
