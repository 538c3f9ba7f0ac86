import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { MILA, MILA_SYNC, wholeProgram } from '../../../src/cli/programs.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const inFolder = (folder: string) =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(folder, name));
const DOCUMENTS = [
  'README.md',
  'ARCHITECTURE.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  ...inFolder('docs'),
  ...inFolder('examples'),
];

const textOf = (document: string) => readFileSync(join(ROOT, document), 'utf8');

async function programs(): Promise<ReadonlyMap<string, Command>> {
  return new Map([
    ['mila', await wholeProgram(MILA)],
    ['mila-sync', await wholeProgram(MILA_SYNC)],
  ]);
}

/** Lines of code blocks, and code within sentences, that are typed to one of the programs; continued lines joined. */
function typedIn(text: string): readonly string[] {
  const blocks = [...text.matchAll(/^```\w*\n(.*?)^```/gms)].flatMap(([, block = '']) =>
    block.replaceAll(/\\\n\s*/g, ' ').split('\n'),
  );
  const outside = text.replaceAll(/^```.*?^```/gms, '');
  const inline = [...outside.matchAll(/`([^`\n]+)`/g)].map(([, code = '']) => code);
  return [...blocks, ...inline]
    .flatMap((line) => line.replace(/\s#\s.*$/, '').split(/&&|\|/))
    .map((line) => line.trim().replace(/^\$ /, ''))
    .filter((line) => /^mila(-sync)? [a-z]/.test(line));
}

/** What no program would understand in a command; undefined when it would. */
function problemOf(line: string, known: ReadonlyMap<string, Command>): string | undefined {
  const [program = '', ...words] = line.split(/\s+/);
  let command = known.get(program);
  const options = new Set<string>(['--help', '--version']);
  for (const word of words) {
    const next = command?.commands.find((each) => each.name() === word);
    if (next === undefined) break;
    command = next;
  }
  if (command === known.get(program)) return `${program} has no command ${words[0]}`;
  for (const { long, short } of command?.options ?? [])
    for (const each of [long, short]) if (each != null) options.add(each);
  const unknown = words
    .filter((word) => /^--?[a-z]/.test(word))
    .map((word) => word.replace(/[=,.;:)].*$/, ''))
    .find((word) => !options.has(word));
  return unknown === undefined ? undefined : `${program} ${command?.name()} has no option ${unknown}`;
}

/** As the sites that show such documents name a heading. */
const anchorOf = (heading: string) =>
  heading
    .replaceAll(/[`*]|\[([^\]]*)\]\([^)]*\)/g, '$1')
    .trim()
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .replaceAll(' ', '-');

function brokenLinks(document: string): readonly string[] {
  const text = textOf(document).replaceAll(/^```.*?^```/gms, '');
  const links = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => link);
  return links.filter((link) => {
    if (/^[a-z]+:/.test(link)) return false;
    const [path = '', anchor] = link.split('#');
    const target = path === '' ? join(ROOT, document) : resolve(ROOT, dirname(document), path);
    if (!existsSync(target)) return true;
    if (anchor === undefined) return false;
    const headings = [...readFileSync(target, 'utf8').matchAll(/^#+ (.*)$/gm)].map(([, title = '']) =>
      anchorOf(title),
    );
    return !headings.includes(anchor);
  });
}

describe.each(DOCUMENTS)('%s', (document) => {
  it('has no link and no anchor that leads nowhere', () => {
    expect(brokenLinks(document)).toEqual([]);
  });

  it('has no command and no option that the programs do not know', async () => {
    const known = await programs();
    expect(typedIn(textOf(document)).flatMap((line) => problemOf(line, known) ?? [])).toEqual([]);
  });
});

/** Every text of the programs' sources, as one. */
function sourceTexts(): string {
  const files = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' });
  return files
    .filter((name) => name.endsWith('.ts'))
    .map((name) => readFileSync(join(ROOT, 'src', name), 'utf8'))
    .join('\n');
}

it.each(['docs/troubleshooting.md', 'docs/training-program.md'])(
  'quotes in %s, where it goes by what is seen, the programs\u2019 own words',
  (document) => {
    const rows = textOf(document).matchAll(/^\| ([^|]*`[^|]*) \|/gm);
    const seen = [...rows].flatMap(([, cell = '']) =>
      [...cell.matchAll(/`([^`]+)`/g)].map(([, words = '']) => words),
    );
    expect(seen.length).toBeGreaterThan(15);
    const sources = sourceTexts();
    expect(seen.filter((words) => !sources.includes(words) && !words.startsWith('mila'))).toEqual([]);
  },
);

it('names the figures that a mount and a server serve, all of them and no others', () => {
  const told = new Set(
    [...textOf('docs/operating.md').matchAll(/^\|[^|]*`mila_.*$/gm)].flatMap(([row = '']) =>
      [...row.matchAll(/`(mila_\w+)/g)].map(([, name = '']) => name),
    ),
  );
  const mount = readFileSync(join(ROOT, 'src/cli/metrics.ts'), 'utf8');
  const server = readFileSync(join(ROOT, 'src/cli/server-metrics.ts'), 'utf8');
  const served = [
    ...[...mount.matchAll(/(?:gauge|family)\(\s*'(\w+)'/g)].map(([, name]) => `mila_sync_${name}`),
    ...[...`${mount}${server}`.matchAll(/'(mila_\w+)'/g)].map(([, name = '']) => name),
  ];
  expect([...told].sort()).toEqual([...new Set(served)].sort());
});

it('looks at every document, and at commands in them', () => {
  expect(DOCUMENTS.map((document) => relative('.', document))).toContain('docs/mount.md');
  expect(DOCUMENTS.flatMap((document) => typedIn(textOf(document))).length).toBeGreaterThan(50);
});
