import { createHash } from 'node:crypto';

/** What the drawing library adds for pointers: charts of a page do nothing under one. */
const HOVER_STYLE = /<style ?><!\[CDATA\[[^\]]*\]\]>\s*<\/style>/g;
const HOVER_CLASS = / class="zr\d+-cls-\d+"/g;
/** Its counters go up from chart to chart of a process. */
const OWN_ID = /(?<= id="|url\(#)zr\d+-/g;
const PLAIN_ID = /(?<= id="|url\(#)zr-/g;
const STYLE_ATTRIBUTE = / style="([^"]*)"/g;
const DECLARATION = /^\s*(font-[a-z]+)\s*:\s*([^;]+?)\s*$/;

/** Declarations as attributes that mean the same, so that a page needs to allow no inline style. */
function asAttributes(declarations: string): string {
  return declarations
    .split(';')
    .map((declaration) => DECLARATION.exec(declaration))
    .map((found) => (found === null ? '' : ` ${found[1]}="${found[2]}"`))
    .join('');
}

/**
 * A drawn chart without what differs from one drawing of it to the next.
 *
 * Guarantees: equal charts give equal markup, whatever was drawn before; ids of different charts differ; no style
 * element, no style attribute.
 */
export function stableSvg(drawn: string): string {
  const bare = drawn
    .replaceAll(HOVER_STYLE, '')
    .replaceAll(HOVER_CLASS, '')
    .replaceAll(STYLE_ATTRIBUTE, (_all, declarations: string) => asAttributes(declarations))
    .replaceAll(OWN_ID, 'zr-');
  const own = createHash('sha256').update(bare).digest('hex').slice(0, 8);
  return bare.replaceAll(PLAIN_ID, `c${own}-`);
}
