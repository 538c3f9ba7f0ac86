import { html, type Markup } from './html.ts';
import { PAGE_STYLE } from './page-style.ts';

/** A piece of a page that can be replaced by a newer one while everything around it stays. */
export interface PagePart {
  readonly id: string;
  readonly body: Markup;
}

interface PageFrame {
  readonly title: string;
  /** What stands in the head beside title and style. */
  readonly head: Markup;
  /** Above everything: where the page belongs to, how fresh it is. */
  readonly banner: Markup;
  readonly contents: PagePart;
  readonly parts: readonly PagePart[];
  /** What follows the content. */
  readonly tail: Markup;
}

/** Says in a page who wrote it. */
export const PAGE_GENERATOR = 'mila-sync inspect';

/** A whole page: its parts in the order in which they are read, below a way past its contents. */
export function framedPage({ title, head, banner, contents, parts, tail }: PageFrame): string {
  const page = html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="${PAGE_GENERATOR}">
${head}<title>${title}</title><style>${PAGE_STYLE}</style></head>
<body><a class="skip" href="#content">Skip to the content</a><header>${banner}<h1>${title}</h1>
<nav aria-label="Contents" data-part="${contents.id}">${contents.body}</nav></header>
<main id="content" tabindex="-1">${parts.map(
    ({ id, body }) => html`<div data-part="${id}">${body}</div>
`,
  )}</main>${tail}</body></html>
`;
  return page.markup;
}
