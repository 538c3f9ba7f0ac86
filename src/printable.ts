/**
 * What steers a terminal or turns a text's direction: controls, separators of lines, half characters, and marks without
 * a shape. The two joiners are none of them: whole scripts are written with them.
 */
const UNPRINTABLE = /(?!\u200c|\u200d)[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;
/** The same, for a text of several lines: tabs and ends of lines stay. */
const UNPRINTABLE_IN_LINES = /(?!\u200c|\u200d|\t|\n)[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

const escaped = (character: string) => `\\u{${character.codePointAt(0)?.toString(16) ?? ''}}`;

/** Text from outside as it may be shown on one line: what would steer the reader's screen is spelled out. */
export function printable(text: string): string {
  return text.replaceAll(UNPRINTABLE, escaped);
}

/** The same for a text of several lines, which stays one of several lines. */
export function printableLines(text: string): string {
  return text.replaceAll(UNPRINTABLE_IN_LINES, escaped);
}

/** Text cut to so many characters, with a mark where it was cut. */
export function shortened(text: string, max: number): string {
  const characters = [...text];
  return characters.length <= max ? text : `${characters.slice(0, max - 1).join('')}…`;
}

/** Spell out in JSON what `printable` spells out in text. Guarantees: the same document. */
export function printableJson(json: string): string {
  return json.replaceAll(UNPRINTABLE_IN_LINES, (character) =>
    character
      .split('')
      .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
      .join(''),
  );
}

/** A value as JSON on one line that may go to a terminal. Errors: as `JSON.stringify`. */
export function jsonLine(value: unknown): string {
  return printableJson(JSON.stringify(value));
}
