/** Says that it came through where it stands at the beginning of a line. */
export const FORGED = 'FORGED';

/** A name, message or text by somebody who wants to steer a terminal, or to speak as the program. */
export const HOSTILE = [
  'x\u001b[2J\u001b[31mred\u001b]0;title\u0007',
  'nul\0bell\u0007back\u0008\u007f return\rover',
  'c1 \u009b31m \u0085 \u2028\u2029',
  'bidi \u202e\u2066\u200f\u061c half \ud800',
  `\n${FORGED} line\n  ${FORGED} hint\n  | no`,
].join(' ');

const MARKS =
  '\0-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\\p{Cs}';
/** Controls beside tabs and ends of lines, half characters, separators of lines, marks of direction. */
export const STEERING = new RegExp(`[${MARKS}]`, 'u');

/** What a text does that it must not: steer, or hold a line where the program's own begin. */
export function faultsOf(printed: string): readonly string[] {
  const faults: string[] = [];
  const steering = STEERING.exec(printed);
  if (steering !== null) faults.push(`U+${steering[0].codePointAt(0)?.toString(16)}: ${printed}`);
  for (const line of printed.split('\n'))
    if (new RegExp(`^ {0,4}${FORGED}`).test(line)) faults.push(`a forged line: ${line}`);
  return faults;
}
