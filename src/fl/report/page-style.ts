import type { Markup } from './html.ts';

/** The look of a report: the reader's own light or dark, and ink on paper. */
export const PAGE_STYLE: Markup = {
  markup: `
:root { color-scheme: light dark; --text: #1c2430; --page: #ffffff; --line: #d5dae1; --soft: #f4f6f8; --link: #0b57a8;
  --bad: #b3261e; --odd: #8a5300; --good: #1c7a43; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e4e8ee; --page: #14181e; --line: #39424e; --soft: #1d232b; --link: #8ab8f2; --bad: #ff9a90;
    --odd: #f0b866; --good: #63cf8f; }
}
* { box-sizing: border-box; }
body { margin: 2rem auto; max-width: 84rem; padding: 0 1rem; background: var(--page); color: var(--text);
  font: 16px/1.5 system-ui, sans-serif; }
a { color: var(--link); }
a:focus-visible, [tabindex]:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
.skip { position: absolute; left: -100rem; }
.skip:focus { position: static; }
h1 { font-size: 1.6rem; margin: 0 0 0.5rem; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; margin: 2.2rem 0 0.6rem; }
.headline { font-size: 1.25rem; line-height: 1.35; font-weight: 600; margin: 0.4rem 0 1rem; overflow-wrap: anywhere; }
.live { margin: 0 0 0.8rem; font-size: 0.9rem; }
[data-kind="live"]::before { content: "● "; color: var(--good); }
[data-kind="lost"] { color: var(--bad); font-weight: 600; }
nav ul { display: flex; flex-wrap: wrap; gap: 0.2rem 1rem; list-style: none; padding: 0; margin: 0 0 1rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0.2rem 1.2rem; margin: 0; }
dt { opacity: 0.85; }
dd { margin: 0; overflow-wrap: anywhere; white-space: pre-wrap; }
figure { margin: 0 0 1rem; }
figure svg { width: 100%; max-width: 72rem; min-width: 44rem; height: auto; display: block; }
figure .scroll { margin-bottom: 0.3rem; }
figcaption { font-size: 0.9rem; }
.scroll { overflow-x: auto; margin-bottom: 1rem; }
table { border-collapse: collapse; width: 100%; font-size: 0.85rem; line-height: 1.4; font-variant-numeric: tabular-nums; }
caption { text-align: left; font-size: 0.9rem; padding: 0.2rem 0; }
th, td { text-align: left; padding: 0.3rem 0.4rem; border-bottom: 1px solid var(--line); vertical-align: top; }
th { font-weight: 600; }
td.f, tbody th { overflow-wrap: anywhere; min-width: 7rem; }
td:has(.w) { min-width: 13rem; }
th.n, td.n { text-align: right; }
td.n, td.t { white-space: nowrap; }
.w { display: inline-block; }
.error { color: var(--bad); font-weight: 600; }
.warning { color: var(--odd); font-weight: 600; }
.swatch { display: inline-block; width: 0.8em; height: 0.8em; margin-right: 0.4em; border-radius: 2px; }
pre { background: var(--soft); border: 1px solid var(--line); border-radius: 6px; padding: 0.8rem; overflow-x: auto;
  font-size: 0.85rem; white-space: pre-wrap; overflow-wrap: anywhere; }
@media (max-width: 40rem) {
  body { margin-top: 1rem; }
  dl { grid-template-columns: 1fr; gap: 0; }
  dd { margin-bottom: 0.5rem; }
  td.f, tbody th { min-width: 5rem; }
}
@media print {
  :root { color-scheme: light; --text: #000000; --page: #ffffff; --line: #999999; --soft: #ffffff; --link: #000000;
    --bad: #000000; --odd: #000000; --good: #000000; }
  @page { size: A4 landscape; margin: 12mm; }
  body { margin: 0; max-width: none; font-size: 10pt; }
  nav, .skip { display: none; }
  .scroll { overflow: visible; }
  figure svg { min-width: 0; }
  table { font-size: 8pt; }
  thead { display: table-header-group; }
  figure, tr, pre { break-inside: avoid; }
  h2 { break-after: avoid; }
  .swatch { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
`,
};
