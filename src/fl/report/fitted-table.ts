import { shortened } from '../../printable.ts';
import { textTable } from '../../text-table.ts';

/** One column of a table that fits its terminal. */
export interface FittedColumn<Row> {
  readonly head: string;
  /** One line of printable text. */
  readonly cell: (row: Row) => string;
  readonly alignsRight?: boolean;
  /** Where the terminal is narrow, the column with the highest rank goes first; 0 stays always. */
  readonly rank: number;
  /** Its cells may be cut where that makes the table fit. Units: characters that stay at least. */
  readonly cutTo?: number;
}

interface FittedTable<Row> {
  readonly columns: readonly FittedColumn<Row>[];
  readonly rows: readonly Row[];
  /** Columns of the terminal. */
  readonly width: number;
  readonly colour: boolean;
}

interface Measured<Row> {
  readonly column: FittedColumn<Row>;
  readonly cells: readonly string[];
  readonly width: number;
}

const lengthOf = (text: string) => [...text].length;
/** A border and a space on either side of each column, and the last border. */
const widthOf = (widths: readonly number[]) => widths.reduce((sum, width) => sum + width + 3, 1);
const leastOf = <Row>({ column, width }: Measured<Row>) => Math.min(width, column.cutTo ?? width);

function measured<Row>(column: FittedColumn<Row>, rows: readonly Row[]): Measured<Row> {
  const cells = rows.map(column.cell);
  const width = cells.reduce((max, cell) => Math.max(max, lengthOf(cell)), lengthOf(column.head));
  return { column, cells, width };
}

/** A column whose cells are all empty tells nothing. */
const tellsSomething = <Row>({ column, cells }: Measured<Row>) =>
  column.rank === 0 || cells.some((cell) => cell !== '' && cell !== '–');

/**
 * A table that is no wider than its terminal: first cells are cut that may be, then columns are left out, and named.
 *
 * Guarantees: columns of rank 0 stay, at their least width; what is left out is told below the table.
 */
export function fittedTable<Row>({ columns, rows, width, colour }: FittedTable<Row>): string {
  let kept = columns.map((column) => measured(column, rows)).filter(tellsSomething);
  const left: string[] = [];
  while (widthOf(kept.map(leastOf)) > width) {
    const last = kept.reduce((worst, each) => (each.column.rank > worst.column.rank ? each : worst));
    if (last.column.rank === 0) break;
    kept = kept.filter((each) => each !== last);
    left.unshift(last.column.head);
  }
  let room = width - widthOf(kept.map(leastOf));
  const cells = kept.map((each) => {
    const wanted = each.width - leastOf(each);
    const more = Math.max(0, Math.min(wanted, room));
    room -= more;
    return each.cells.map((cell) => shortened(cell, leastOf(each) + more));
  });
  const table = textTable({
    head: kept.map(({ column }) => column.head),
    right: kept.flatMap(({ column }, index) => (column.alignsRight === true ? [index] : [])),
    rows: rows.map((_, row) => cells.map((column) => column[row] ?? '')),
    colour,
  });
  return left.length === 0 ? table : `${table}\nleft out at this width: ${left.join(', ')}`;
}
