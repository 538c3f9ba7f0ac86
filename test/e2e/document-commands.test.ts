import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commandsIn, type DocumentCommand, documentCommands, PROJECT } from '../support/document-commands.ts';
import { asTypedAt } from '../support/document-placeholders.ts';
import {
  DOCUMENT_RULES,
  type DocumentRule,
  type ElsewhereRule,
  type TriedRule,
} from '../support/document-rules.ts';
import { missingAt, type ReaderPlace, ReaderPlaces } from '../support/reader-places.ts';
import { type TypedLine, typeLine } from '../support/typed-line.ts';

const LINE_TIMEOUT_MS = 120_000;
/** A call of a program with a list of words, as the formatter breaks it. */
const CALL_LINES_MAX = 8;

const ruleOf = ({ document, text }: DocumentCommand): DocumentRule | undefined =>
  DOCUMENT_RULES[document]?.[text];
const placeOf = ({ document, line, text }: DocumentCommand) => `${document}:${line}  ${text}`;

/** A line's exit code by its meaning, as scripts may rely on it. */
function promisedCode(meaning: string): number {
  const page = readFileSync(join(PROJECT, 'docs', 'exit-codes.md'), 'utf8');
  const row = new RegExp(`^\\| (\\d+) \\| ${meaning}\\b`, 'm').exec(page);
  if (row === null) throw new Error(`docs/exit-codes.md promises nothing for "${meaning}"`);
  return Number(row[1]);
}

let places: ReaderPlaces;
beforeAll(async () => {
  places = await ReaderPlaces.open();
}, LINE_TIMEOUT_MS);
afterAll(() => places.close());

/** Runs lines at a place, and lets none of them outlive `trial`. */
async function atPlace(
  place: ReaderPlace,
  trial: (type: (text: string) => Promise<TypedLine>) => Promise<void>,
): Promise<void> {
  const lines: TypedLine[] = [];
  try {
    await trial(async (text) => {
      const line = typeLine(await asTypedAt(place, text), place);
      lines.push(line);
      return line;
    });
  } finally {
    for (const line of lines) line.kill();
    await Promise.all(lines.map(({ ended }) => ended));
  }
}

async function stopped(line: TypedLine): Promise<void> {
  line.interrupt();
  expect(await line.ended, line.said()).toBe(promisedCode('interrupted'));
}

async function tried({ text, before }: DocumentCommand, rule: TriedRule): Promise<void> {
  const place = await places.make(rule.place);
  await atPlace(place, async (type) => {
    for (const each of before) expect(await (await type(each)).ended, each).toBe(0);
    if (rule.how === 'ends') {
      const line = await type(text);
      expect(await line.ended, line.said()).toBe(promisedCode('done'));
      expect(line.stdout()).toMatch(rule.tells ?? /^/);
      return;
    }
    const running: TypedLine[] = [];
    for (const each of [...(rule.beside ?? []), { text, says: rule.says }]) {
      const line = await type(each.text);
      await line.waitFor(each.says);
      running.unshift(line);
    }
    for (const line of running) await stopped(line);
  });
  expect(await missingAt(place, rule.leaves ?? [])).toEqual([]);
}

const COMMANDS = documentCommands();
/** The commands whose rule is of a kind, each behind its title. */
const ruled = <Kind extends DocumentRule>(isOfKind: (rule: DocumentRule) => rule is Kind) =>
  COMMANDS.flatMap((command): readonly (readonly [string, DocumentCommand, Kind])[] => {
    const rule = ruleOf(command);
    return rule !== undefined && isOfKind(rule) ? [[placeOf(command), command, rule]] : [];
  });
const isElsewhere = (rule: DocumentRule): rule is ElsewhereRule => rule.how === 'elsewhere';
const isTriedHere = (rule: DocumentRule): rule is TriedRule => rule.how !== 'elsewhere';

describe.concurrent('does what the document says:', { timeout: LINE_TIMEOUT_MS }, () => {
  it.each(ruled(isTriedHere))('%s', (_title, command, rule) => tried(command, rule));
});

describe('is run by another test:', () => {
  it.each(ruled(isElsewhere))('%s', (_title, { text }, { file }) => {
    const lines = readFileSync(join(PROJECT, file), 'utf8').split('\n');
    const words = text.split(' ').slice(1);
    const isRun = lines.some((_, index) => {
      const call = lines.slice(index, index + CALL_LINES_MAX).join(' ');
      return words.every((word) => new RegExp(`(?<![\\w-])${word}(?![\\w-])`).test(call));
    });
    expect(isRun, `no call in ${file} has all of: ${words.join(' ')}`).toBe(true);
  });
});

describe('the table of commands', () => {
  it('knows every command of every document', () => {
    expect(COMMANDS.filter((command) => ruleOf(command) === undefined).map(placeOf)).toEqual([]);
  });

  it('has no command that stands in no document', () => {
    const typed = new Set(COMMANDS.map(({ document, text }) => `${document}  ${text}`));
    const inTable = Object.entries(DOCUMENT_RULES).flatMap(([document, rules]) =>
      Object.keys(rules).map((text) => `${document}  ${text}`),
    );
    expect(inTable.filter((each) => !typed.has(each))).toEqual([]);
  });
});

describe('a command in a document', () => {
  const texts = (...lines: readonly string[]) => commandsIn('page.md', lines.join('\n'));

  it('is a line of a code block, with its continuation and its redirection, without its comment', () => {
    const found = texts('`mila up`', '```', 'mila up \\', '   trial > told   # a word', '```', 'mila up');
    expect(found).toEqual([{ document: 'page.md', line: 4, text: 'mila up trial > told', before: [] }]);
  });

  it('does not escape in an indented block, after a prompt, a variable or another command', () => {
    const lines = ['mila up', '$ mila up', 'HERE=1 mila up', 'cd trial && mila up', 'npx mila up'];
    const found = texts('- such as:', '  ~~~sh', ...lines.map((line) => `  ${line}`), '  ~~~');
    expect(found.map(({ text }) => text)).toEqual(lines.map((line) => line.replace('$ ', '')));
  });

  it('is no file, key or picture that begins with the name', () => {
    expect(texts('```', '│ mila client │', '"executor_type": "mila.executors.Command"', '```')).toEqual([]);
  });

  it('comes after the folders that its block has made', () => {
    expect(texts('```', 'mkdir -p units', 'mila --version', '```')[0]?.before).toEqual(['mkdir -p units']);
  });
});
