import type { Inspection } from '../../inspection/inspection.ts';
import { html } from '../html.ts';
import type { Section } from './section.ts';

/** The task as the participants got it. */
export function taskSection({ task }: Inspection): Section {
  const body =
    task === null
      ? html`<p>cfg.json is missing, or cannot be read.</p>`
      : html`<pre tabindex="0" role="region" aria-label="cfg.json">${task.trimEnd()}</pre>`;
  return { id: 'task', title: 'Task (cfg.json)', body };
}
