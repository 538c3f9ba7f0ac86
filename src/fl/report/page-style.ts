import type { Markup } from './html.ts';

/** The look of a report: the reader's own light or dark, and ink on paper. */
export const PAGE_STYLE: Markup = {
  markup: `
:root { color-scheme: light dark; --text: #1c2430; --page: #ffffff; --line: #d5dae1; --soft: #f4f6f8; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e4e8ee; --page: #14181e; --line: #39424e; --soft: #1d232b; }
}
body { margin: 2rem auto; max-width: 56rem; padding: 0 1rem; background: var(--page); color: var(--text);
  font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.6rem; margin: 0 0 1rem; }
h2 { font-size: 1.15rem; margin: 2rem 0 0.6rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0.2rem 1.2rem; margin: 0; }
dt { opacity: 0.75; }
dd { margin: 0; overflow-wrap: anywhere; white-space: pre-wrap; }
figure { margin: 0 0 1rem; }
figure svg { max-width: 100%; height: auto; display: block; }
figcaption { font-size: 0.9rem; opacity: 0.85; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: 0.3rem 0.6rem; border-bottom: 1px solid var(--line); vertical-align: top; }
th { font-weight: 600; }
.n { text-align: right; }
pre { background: var(--soft); border: 1px solid var(--line); border-radius: 6px; padding: 0.8rem; overflow-x: auto;
  font-size: 0.85rem; white-space: pre-wrap; }
@media print {
  :root { --text: #000000; --page: #ffffff; --line: #999999; --soft: #ffffff; }
  body { margin: 0; max-width: none; font-size: 11pt; }
  section { break-inside: avoid; }
}
`,
};
