import { printableLines } from '../../printable.ts';

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Markup that is already safe to put into a page. */
export interface Markup {
  readonly markup: string;
}

type Piece = string | number | Markup | readonly Piece[];

function textOf(piece: Piece): string {
  if (typeof piece === 'string')
    return printableLines(piece).replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
  if (typeof piece === 'number') return String(piece);
  return 'markup' in piece ? piece.markup : piece.map(textOf).join('');
}

/**
 * Write markup as a template.
 *
 * Guarantees: every value that is not markup itself is escaped, in text and in quoted attributes, and holds no
 * control character but tabs and ends of lines.
 */
export function html(strings: TemplateStringsArray, ...pieces: readonly Piece[]): Markup {
  return { markup: String.raw({ raw: strings }, ...pieces.map(textOf)) };
}
