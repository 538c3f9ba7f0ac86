import { expect, it } from 'vitest';
import { type FittedColumn, fittedTable } from '../../../../src/fl/report/fitted-table.ts';

interface Row {
  readonly name: string;
  readonly note: string;
}

const COLUMNS: readonly FittedColumn<Row>[] = [
  { head: 'name', cell: ({ name }) => name, rank: 0, cutTo: 8 },
  { head: 'size', cell: () => '12.5 kB', alignsRight: true, rank: 2 },
  { head: 'speed', cell: () => '1.2 MB/s', alignsRight: true, rank: 3 },
  { head: 'lost', cell: () => '', rank: 1 },
  { head: 'note', cell: ({ note }) => note, rank: 1, cutTo: 10 },
];
const ROWS: readonly Row[] = [
  { name: 'site_a', note: 'loss 0.5, accuracy 0.912, auc 0.8' },
  { name: 'a site of a long name', note: '–' },
];

const table = (width: number) => fittedTable({ columns: COLUMNS, rows: ROWS, width, colour: false });
const widest = (text: string) => Math.max(...text.split('\n').map((line) => [...line].length));

it('shows everything where there is room, but no column that tells nothing', () => {
  const text = table(120);
  expect(text).toContain('loss 0.5, accuracy 0.912, auc 0.8');
  expect(text).toContain('a site of a long name');
  expect(text).not.toContain('lost');
  expect(text).not.toContain('left out');
});

it('cuts cells that may be cut, then leaves out columns by their rank, and names them', () => {
  expect(table(70)).toContain('…');
  expect(table(70)).not.toContain('left out');
  const narrow = table(40);
  expect(narrow).toContain('left out at this width: speed');
  expect(narrow).toContain('12.5 kB');
  expect(table(30)).toContain('left out at this width: size, speed');
});

it.each([120, 100, 80, 70, 60, 50, 40])('is no wider than %i columns', (width) => {
  expect(widest(table(width))).toBeLessThanOrEqual(width);
});

it('keeps the columns that make a row what it is, however narrow it is', () => {
  expect(table(5)).toContain('site_a');
});
