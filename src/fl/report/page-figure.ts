import { html, type Markup } from './html.ts';

interface FigureRequest {
  /** What it shows, in a few words: its frame's name for screen readers. */
  readonly name: string;
  readonly chart: Markup;
  readonly caption: string;
}

/** A chart with its caption, in a frame that scrolls by keyboard where the page is too narrow to read it. */
export function pageFigure({ name, chart, caption }: FigureRequest): Markup {
  return html`<figure><div class="scroll" role="region" tabindex="0" aria-label="Plot: ${name}">${chart}</div>
<figcaption>${caption}</figcaption></figure>`;
}
