import Table from 'cli-table3';
import { terminalLine, withOwnColours } from './terminal-text.ts';

/** What stands in a cell; a list stands on lines of their own. */
export type TableCell = string | number | readonly string[];

export interface TableRequest {
  readonly head: readonly string[];
  readonly rows: readonly (readonly TableCell[])[];
  /** The columns that are aligned to the right, by index. */
  readonly right?: readonly number[];
  readonly colour: boolean;
}

function cellText(cell: TableCell): string {
  if (typeof cell === 'number') return String(cell);
  return typeof cell === 'string' ? terminalLine(cell) : cell.map(terminalLine).join('\n');
}

/**
 * A table as text for a terminal.
 *
 * Guarantees: whatever a cell holds, it neither steers the terminal nor makes a row of its own.
 */
export function textTable({ head, rows, right = [], colour }: TableRequest): string {
  const table = new Table({
    head: head.map(cellText),
    colAligns: head.map((_, index) => (right.includes(index) ? 'right' : 'left')),
    style: colour ? { head: ['bold'], border: ['grey'] } : { head: [], border: [] },
  });
  table.push(...rows.map((cells) => cells.map(cellText)));
  return withOwnColours(table.toString());
}
