import {
  type CommandNode,
  type OptionNode,
  type PlacedCommand,
  placedCommands,
  type Value,
} from './command-tree.ts';

const quoted = (text: string) => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;

function offered(value: Value): string {
  switch (value.kind) {
    case 'choices':
      return ` -f -a ${quoted(value.choices.map((each) => each.replaceAll(' ', '\\ ')).join(' '))}`;
    case 'file':
      return ' -F';
    case 'folder':
      return " -f -a '(__fish_complete_directories)'";
    default:
      return ' -f';
  }
}

/** A condition of fish: the command line has these words, and is at none of the commands below them. */
function condition({ path, commands }: PlacedCommand): string {
  const seen = path.map((word) => `__fish_seen_subcommand_from ${word}`);
  const below = commands.map(({ name }) => name);
  const none = below.length === 0 ? [] : [`not __fish_seen_subcommand_from ${below.join(' ')}`];
  return [...seen, ...none].join('; and ');
}

function optionLine(start: string, { names, description, value, isRequired }: OptionNode): string {
  const spelt = names.map((name) => (name.startsWith('--') ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`));
  const takes = value === null ? '' : `${isRequired ? ' -r' : ''}${offered(value)}`;
  return `${start} ${spelt.join(' ')}${takes} -d ${quoted(description)}`;
}

function linesFor(program: string, command: PlacedCommand): readonly string[] {
  const start = `complete -c ${program} -n ${quoted(condition(command))}`;
  const below = command.commands.map(
    ({ name, description }) => `${start} -f -a ${name} -d ${quoted(description)}`,
  );
  const last = command.commands.length > 0 ? undefined : command.values.at(-1);
  const words = last === undefined ? [] : [`${start}${offered(last)}`];
  return [...below, ...words, ...command.options.map((option) => optionLine(start, option))];
}

/** A completion script for fish. */
export function fishCompletion(program: CommandNode): string {
  const lines = placedCommands(program).flatMap((command) => linesFor(program.name, command));
  return `# Completion of ${program.name} for fish. Load it with: ${program.name} completion fish | source
complete -c ${program.name} -f
${lines.join('\n')}
`;
}
