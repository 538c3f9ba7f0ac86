import type { Command } from 'commander';

/** Text as troff takes it literally. */
function roff(text: string): string {
  const escaped = text.replaceAll('\\', '\\e').replaceAll('-', '\\-');
  return escaped
    .split('\n')
    .map((line) => (/^[.']/.test(line) ? `\\&${line}` : line))
    .join('\n');
}

/** A word within the arguments of a request. */
const argument = (text: string) => `"${roff(text).replaceAll('"', '\\(dq')}"`;

/** What a command says after its help, such as examples; commander hands it to whoever shows the help. */
function wordsAfter(command: Command): string {
  const told: string[] = [];
  const collect = (text: string) => void told.push(text);
  // Settings of the command itself, which nobody shows any more.
  command.configureOutput({ writeOut: collect, writeErr: collect }).outputHelp();
  return told.slice(1).join('').trim();
}

function listOf(
  items: readonly { readonly term: string; readonly description: string }[],
): readonly string[] {
  return items.flatMap(({ term, description }) => ['.TP', `.B ${argument(term)}`, roff(description)]);
}

/** What the help of a command holds, in the same words. */
function section(command: Command, path: readonly string[]): readonly string[] {
  const help = command.createHelp();
  const words = command.registeredArguments
    .filter(({ description }) => description !== '')
    .map((each) => ({ term: help.argumentTerm(each), description: help.argumentDescription(each) }));
  const options = help
    .visibleOptions(command)
    .map((each) => ({ term: help.optionTerm(each), description: help.optionDescription(each) }));
  const after = wordsAfter(command);
  return [
    `.SS ${argument([...path, command.usage()].join(' '))}`,
    roff(command.description()),
    ...listOf([...words, ...options]),
    ...(after === '' ? [] : ['.PP', '.nf', roff(after), '.fi']),
    ...command.commands.flatMap((each) => section(each, [...path, each.name()])),
  ];
}

/** The other program and the documents. */
const OTHER: Readonly<Record<string, string>> = { mila: 'mila-sync', 'mila-sync': 'mila' };

/** The manual page of a program, from the same source as its --help. The program is used up by it. */
export function manPage(program: Command, version: string): string {
  const name = program.name();
  const commands = program.commands.flatMap((command) => section(command, [name, command.name()]));
  const help = program.createHelp();
  const options = help
    .visibleOptions(program)
    .map((each) => ({ term: help.optionTerm(each), description: help.optionDescription(each) }));
  return `${[
    `.TH ${argument(name.toUpperCase())} 1 "" ${argument(`mila-sync ${version}`)} "User Commands"`,
    '.SH NAME',
    `${roff(name)} \\- ${roff(program.description())}`,
    '.SH SYNOPSIS',
    `.B ${roff(name)}`,
    roff(program.usage()),
    '.SH OPTIONS',
    ...listOf(options),
    '.SH COMMANDS',
    ...commands,
    '.SH EXIT STATUS',
    '0 done; 1 a fault of the program; 2 usage or configuration; 3 authentication or permission; 4 the local state',
    'refuses; 5 Box or the peer cannot be reached; 6 the session ended without success; 130 interrupted.',
    '.SH SEE ALSO',
    `.BR ${roff(OTHER[name] ?? '')} (1)`,
  ].join('\n')}\n`;
}
