import { printable } from '../../../printable.ts';
import type { Inspection } from '../../inspection/inspection.ts';
import { html } from '../html.ts';
import { NO_VALUE, pageTable } from '../page-table.ts';
import { withoutUnixTimes } from '../unix-times.ts';
import { ROWS_MAX, type Section } from './section.ts';

/** What is not as it should be. */
export function irregularitySection({ irregularities, irregularityCounts }: Inspection): Section {
  const total = irregularityCounts.reduce((sum, { count }) => sum + count, 0);
  const body =
    total === 0
      ? html`<p>None.</p>`
      : html`${pageTable({
          caption: 'Irregularities, the worst first',
          columns: [
            { head: 'severity' },
            { head: 'kind' },
            { head: 'where', kind: 'foreign' },
            { head: 'what', kind: 'foreign' },
          ],
          rows: irregularities.map(({ severity, code, path, message }) => [
            html`<span class="${severity}">${severity}</span>`,
            code,
            path === '' ? NO_VALUE : printable(path),
            printable(withoutUnixTimes(message)),
          ]),
          rowsMax: ROWS_MAX,
        })}${total > irregularities.length ? html`<p>… and ${total - irregularities.length} more of these kinds.</p>` : ''}`;
  return { id: 'irregularities', title: 'Irregularities', body };
}
