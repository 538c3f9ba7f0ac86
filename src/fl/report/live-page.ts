import { html, type Markup } from './html.ts';
import { LIVE_SCRIPT } from './live-script.ts';
import { framedPage, type PagePart } from './page-frame.ts';
import { timeText } from './quantities.ts';

/** A page in pieces that are replaced one by one. */
export interface PageParts {
  readonly title: string;
  readonly contents: PagePart;
  readonly parts: readonly PagePart[];
}

interface LivePage extends PageParts {
  /** Units: milliseconds since 1970. */
  readonly lookedAtMs: number;
  /** The way to the list that the page belongs to, relative to the page; null where there is none. */
  readonly up: string | null;
}

function banner({ lookedAtMs, up }: LivePage): Markup {
  const way = up === null ? '' : html`<a href="${up}">All runs</a> `;
  return html`<p class="live">${way}<span id="live-state" role="status" data-kind="live">Live</span>,
looked at <span id="live-looked">${timeText(lookedAtMs)} UTC</span></p>
<noscript><p>Without JavaScript this page shows how things stood when it was opened.</p></noscript>`;
}

/**
 * A page that is served and keeps itself fresh.
 *
 * Guarantees: one small script of our own, no other; everything that came from files is escaped.
 */
export function renderLivePage(page: LivePage): string {
  return framedPage({
    title: page.title,
    // Without it a browser asks for one at a place that it is refused at.
    head: html`<link rel="icon" href="data:,">
`,
    banner: banner(page),
    contents: page.contents,
    parts: page.parts,
    tail: html`<script>${LIVE_SCRIPT}</script>`,
  });
}
