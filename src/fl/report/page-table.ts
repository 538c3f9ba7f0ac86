import { html, type Markup } from './html.ts';

/** One column: its head, and what its cells look like: a number, a time, a row's own name, words of others that
 * may be long, or words of ours. */
export interface Column {
  readonly head: string;
  readonly kind?: 'number' | 'time' | 'name' | 'foreign';
  /** True when the column is left out where no row has anything in it. */
  readonly optional?: boolean;
}

/** What stands in a cell without a value. */
export const NO_VALUE = '–';

type Cell = string | number | Markup;

const CLASSES = { number: 'n', time: 't', foreign: 'f', name: '' } as const;

function headCell({ head, kind }: Column): Markup {
  return kind === 'number'
    ? html`<th scope="col" class="n">${head}</th>`
    : html`<th scope="col">${head}</th>`;
}

function bodyCell(cell: Cell, kind: Column['kind']): Markup {
  if (kind === 'name') return html`<th scope="row">${cell}</th>`;
  return kind === undefined ? html`<td>${cell}</td>` : html`<td class="${CLASSES[kind]}">${cell}</td>`;
}

interface TableRequest {
  /** What it shows; also its name for screen readers. */
  readonly caption: string;
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly Cell[])[];
  /** Rows beyond this are counted, not shown. */
  readonly rowsMax: number;
}

/** The columns that are shown, by their places. */
function shownColumns({ columns, rows }: TableRequest): readonly number[] {
  return [...columns.keys()].filter(
    (place) => columns[place]?.optional !== true || rows.some((cells) => cells[place] !== NO_VALUE),
  );
}

/** A table in a frame that scrolls by keyboard where the page is too narrow for it. */
export function pageTable(request: TableRequest): Markup {
  const { caption, rows, rowsMax } = request;
  const places = shownColumns(request);
  const columns = places.map((place) => request.columns[place] ?? { head: '' });
  const rest = rows.length - rowsMax;
  const shown = rows.slice(0, rowsMax).map(
    (
      cells,
    ) => html`<tr>${places.map((place, index) => bodyCell(cells[place] ?? NO_VALUE, columns[index]?.kind))}</tr>
`,
  );
  return html`<div class="scroll" role="region" tabindex="0" aria-label="${caption}"><table><caption>${caption}</caption>
<thead><tr>${columns.map(headCell)}</tr></thead>
<tbody>${shown}</tbody></table></div>${rest > 0 ? html`<p>… and ${rest} more rows; --json has them all.</p>` : ''}`;
}
