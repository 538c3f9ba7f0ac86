import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The project's folder. */
export const PROJECT = fileURLToPath(new URL('../../', import.meta.url));

/** A line of a document's code block that a reader types to one of the programs. */
export interface DocumentCommand {
  readonly document: string;
  readonly line: number;
  /** As typed: continued lines joined, the comment cut, a redirection kept. */
  readonly text: string;
  /** What the same block has the reader type first: the folders to make. */
  readonly before: readonly string[];
}

/** Also behind a variable or another command: a line must not escape because it begins with something else. */
const COMMAND = /(?:^|&&|[;|(])\s*(?:\w+=\S*\s+|npx\s+|sudo\s+)*mila(?:-sync)?\s/;
const PROMPT = /^\$ /;
const COMMENT = /\s+#(?:\s.*)?$/;
/** One that nothing closes goes on to the document's end. */
const BLOCK = /^[ \t]*(```|~~~)[^\n]*\n(.*?)(?:^[ \t]*\1[^\n]*|(?![^\n]|\n))/gms;

/** A block's lines as a shell takes them, each with the number of the document's line at which it ends. */
function typedLines(block: string, firstLine: number): readonly { typed: string; line: number }[] {
  let begun = '';
  return block.split('\n').flatMap((raw, index) => {
    const whole = `${begun}${raw.trim()}`;
    begun = whole.endsWith('\\') ? `${whole.slice(0, -1).trimEnd()} ` : '';
    const typed = whole.replace(PROMPT, '').replace(COMMENT, '');
    return begun === '' ? [{ typed, line: firstLine + index }] : [];
  });
}

/** The commands in a document's code blocks, in order. */
export function commandsIn(document: string, text: string): readonly DocumentCommand[] {
  const found: DocumentCommand[] = [];
  for (const { 0: whole, 2: block = '', index } of text.matchAll(BLOCK)) {
    const firstLine = `${text.slice(0, index)}${whole}`.split('\n').length - block.split('\n').length + 1;
    const before: string[] = [];
    for (const { typed, line } of typedLines(block, firstLine))
      if (COMMAND.test(typed)) found.push({ document, line, text: typed, before: [...before] });
      else if (typed.startsWith('mkdir ')) before.push(typed);
  }
  return found;
}

const pagesBelow = (folder: string) =>
  readdirSync(join(PROJECT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .sort()
    .map((name) => join(folder, name));

/** The commands of every document that is written for who uses the programs. */
export function documentCommands(): readonly DocumentCommand[] {
  return ['README.md', ...pagesBelow('docs'), ...pagesBelow('examples')].flatMap((document) =>
    commandsIn(document, readFileSync(join(PROJECT, document), 'utf8')),
  );
}
