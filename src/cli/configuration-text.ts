import type { FilledConfiguration, FilledKey } from '../fl/config/filled.ts';
import { stringifyAsWritten } from '../fl/config/written-numbers.ts';
import { printable, printableJson } from '../printable.ts';

/** A wide value must not push every note out of sight. Units: characters. */
const VALUE_WIDTH_MAX = 40;

/** A document as JSON on lines of its own. Guarantees: numbers as they were written; nothing in it steers a terminal. */
export function documentLines(document: unknown): readonly string[] {
  return printableJson(stringifyAsWritten(document)).split('\n');
}

/** A word that reads as itself and as nothing else. */
const isPlainWord = (text: string) =>
  /^[\p{L}\p{N}_./~*@:{}+-]+(?: [\p{L}\p{N}_./~*@:{}+-]+)*$/u.test(text) &&
  !/^(true|false|null|[-+]?[\d.].*e?\d*)$/i.test(text);

function valueText(value: unknown): string {
  if (typeof value === 'string' && isPlainWord(value)) return printable(value);
  return printable(stringifyAsWritten(value).replaceAll(/\n\s*/g, ' '));
}

/** A secret is shown by its host: what stands on a screen is copied to others. */
function shownText({ about, value }: FilledKey): string {
  if (about?.['secret'] !== true || typeof value !== 'string') return valueText(value);
  return URL.canParse(value) ? `(at ${printable(new URL(value).host)})` : '(set)';
}

/** What tells a key from another of the same name, and what a number counts. */
function noteOf({ path, about, value }: FilledKey): string {
  const unit = typeof value === 'number' ? about?.['unit'] : undefined;
  const name = path.at(-1) === 'save_path' ? about?.['title'] : undefined;
  return [name, unit].filter((word) => typeof word === 'string').join(', ');
}

const FROM: Readonly<Record<FilledKey['from'], string>> = {
  file: '',
  default: '(default)',
  unknown: '(unknown, ignored)',
};

interface Row {
  readonly cells: readonly [key: string, value: string, from: string, note: string];
}

function alignedLines(rows: readonly Row[]): readonly string[] {
  const width = (column: number, max = Number.POSITIVE_INFINITY) =>
    Math.max(0, ...rows.map(({ cells }) => Math.min(max, [...(cells[column] ?? '')].length)));
  const widths = [width(0), width(1, VALUE_WIDTH_MAX), width(2)];
  return rows.map(({ cells }) =>
    cells
      .map((cell, column) => cell + ' '.repeat(Math.max(0, (widths[column] ?? 0) - [...cell].length)))
      .join('  ')
      .trimEnd(),
  );
}

/** A configuration for people: one line for each key, under the section that it stands in. */
export function configurationLines(
  { keys }: FilledConfiguration,
  { path, role }: { readonly path: string; readonly role: string },
): readonly string[] {
  const rowOf = (key: FilledKey, depth: number): Row => ({
    cells: [printable(key.path.slice(depth).join('.')), shownText(key), FROM[key.from], noteOf(key)],
  });
  const isTop = ({ path: place }: FilledKey) => place.length === 1;
  const sections = [...new Set(keys.filter((key) => !isTop(key)).map((key) => key.path[0] ?? ''))];
  return [
    `${printable(path)}: a ${role}'s configuration`,
    '',
    ...alignedLines(keys.filter(isTop).map((key) => rowOf(key, 0))),
    ...sections.flatMap((section) => [
      '',
      printable(section),
      ...alignedLines(
        keys.filter((key) => !isTop(key) && key.path[0] === section).map((key) => rowOf(key, 1)),
      ).map((line) => `  ${line}`),
    ]),
  ];
}
