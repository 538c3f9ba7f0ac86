import { expect, it } from 'vitest';
import { jsonLine, printable, printableLines } from '../../src/printable.ts';
import { terminalLine, terminalText, tinted } from '../../src/terminal-text.ts';
import { textTable } from '../../src/text-table.ts';
import { HOSTILE, STEERING } from '../support/hostile-text.ts';

it.each([
  ['\u001b[2J', '\\u{1b}[2J'],
  ['a\nb\tc\r', 'a\\u{a}b\\u{9}c\\u{d}'],
  ['\u009b\u007f', '\\u{9b}\\u{7f}'],
  ['\u2028\u2029', '\\u{2028}\\u{2029}'],
  ['\u202e\u2066\u200f\u061c', '\\u{202e}\\u{2066}\\u{200f}\\u{61c}'],
  ['half \ud800 other \udc00', 'half \\u{d800} other \\u{dc00}'],
  ['é 漢字 😀 نمی\u200cخواهم', 'é 漢字 😀 نمی\u200cخواهم'],
])('spells out in %j what would steer, and nothing else', (text, spelled) => {
  expect(printable(text)).toBe(spelled);
});

it('keeps tabs and ends of lines where a text has lines', () => {
  expect(printableLines('a\tb\n\u001bc')).toBe('a\tb\n\\u{1b}c');
});

it('writes JSON that means the same and steers nothing', () => {
  const document = { [HOSTILE]: [HOSTILE, '\u{e0041} tag', 'é😀'] };
  const line = jsonLine(document);
  expect(JSON.parse(line)).toEqual(document);
  expect(line).not.toMatch(STEERING);
  expect(line).not.toContain('\n');
  expect(line).toContain('é😀');
});

it('lets only our own colours through, not those in the coloured words', () => {
  expect(terminalText(`${tinted('red', 'a\u001b[32mb')}\u001b[0m`)).toBe(
    '\u001b[31ma\\u{1b}[32mb\u001b[39m\\u{1b}[0m',
  );
  expect(terminalLine(tinted('bold', 'a\nb'))).toBe('\u001b[1ma\\u{a}b\u001b[22m');
});

it('does not take an imitation of its own mark for a colour', () => {
  const imitation = '\u001b<00000000-0000-4000-8000-000000000000>31m';
  expect(terminalText(imitation)).not.toContain('\u001b');
});

it('marks further lines of a text as parts of it', () => {
  expect(terminalText('error\nsecond\n  | third')).toBe('error\n  | second\n  |   | third');
});

it.each([true, false])('makes no row out of an end of line in a cell, with colours: %s', (colour) => {
  const rows = [[HOSTILE, tinted('green', HOSTILE), ['a', HOSTILE]]];
  const shown = terminalText(
    textTable({ head: ['a', HOSTILE, 'c'], rows, colour }).replaceAll('\n', '\u2003'),
  );
  expect(shown.split('\u2003')).toHaveLength(6);
  expect(shown.split('\u001b[').join('')).not.toMatch(STEERING);
});
