import { html, type Markup } from './html.ts';

/** One column: its head, and what its cells look like: a number, a time, a row's own name, or text. */
export interface Column {
  readonly head: string;
  readonly kind?: 'number' | 'time' | 'name';
}

type Cell = string | number | Markup;

const CLASSES = { number: 'n', time: 't', name: '' } as const;

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

/** A table in a frame that scrolls by keyboard where the page is too narrow for it. */
export function pageTable({ caption, columns, rows, rowsMax }: TableRequest): Markup {
  const rest = rows.length - rowsMax;
  const shown = rows.slice(0, rowsMax).map(
    (cells) => html`<tr>${cells.map((cell, index) => bodyCell(cell, columns[index]?.kind))}</tr>
`,
  );
  return html`<div class="scroll" role="region" tabindex="0" aria-label="${caption}"><table><caption>${caption}</caption>
<thead><tr>${columns.map(headCell)}</tr></thead>
<tbody>${shown}</tbody></table></div>${rest > 0 ? html`<p>… and ${rest} more rows; --json has them all.</p>` : ''}`;
}
