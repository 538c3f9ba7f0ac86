import { quotedWord } from '../../shell-word.ts';
import {
  type CommandNode,
  type OptionNode,
  type PlacedCommand,
  placedCommands,
  type Value,
} from './command-tree.ts';

/** Within a specification of _arguments, these have a meaning. */
const described = (text: string) => text.replaceAll(/[\\[\]:]/g, '\\$&');

function action(value: Value): string {
  switch (value.kind) {
    case 'choices':
      return `(${value.choices.map((each) => each.replaceAll(/[\s()\\]/g, '\\$&')).join(' ')})`;
    case 'file':
      return '_files';
    case 'folder':
      return '_files -/';
    default:
      return '';
  }
}

function optionSpecs({ names, description, value, isRequired }: OptionNode): readonly string[] {
  const message = value === null ? '' : `${isRequired ? ':' : '::'}value:${action(value)}`;
  // The same option may come again: some are repeatable, and commander takes the last of the others.
  return names.map((name) => {
    const takes = value !== null && isRequired && name.startsWith('--') ? '=' : '';
    return quotedWord(`*${name}${takes}[${described(description)}]${message}`);
  });
}

const functionOf = (program: string, path: readonly string[]) =>
  `_${[program, ...path].join('_').replaceAll('-', '_')}`;

function groupBody(program: string, { path, commands, options }: PlacedCommand): readonly string[] {
  const list = [...commands, { name: 'help', description: 'display help for command' }];
  return [
    '  local state line',
    '  typeset -A opt_args',
    `  _arguments -C -S ${options.flatMap(optionSpecs).join(' ')} '1: :->command' '*:: :->words'`,
    '  case $state in',
    '    command)',
    '      local -a commands=(',
    ...list.map((each) => `        ${quotedWord(`${each.name.replaceAll(':', '\\:')}:${each.description}`)}`),
    '      )',
    "      _describe 'command' commands",
    '      ;;',
    '    words)',
    '      case $line[1] in',
    ...commands.map(({ name }) => `        ${name}) ${functionOf(program, [...path, name])} ;;`),
    '      esac',
    '      ;;',
    '  esac',
  ];
}

function commandBody({ options, values }: PlacedCommand): readonly string[] {
  const last = values.at(-1);
  const words = last === undefined ? [] : [quotedWord(`*:argument:${action(last)}`)];
  return [`  _arguments -S ${[...options.flatMap(optionSpecs), ...words].join(' ')}`];
}

/** A completion script for zsh, to be loaded or to lie in a folder of $fpath. */
export function zshCompletion(program: CommandNode): string {
  const functions = placedCommands(program).map((command) =>
    [
      `${functionOf(program.name, command.path)}() {`,
      ...(command.commands.length > 0 ? groupBody(program.name, command) : commandBody(command)),
      '}',
    ].join('\n'),
  );
  const main = functionOf(program.name, []);
  return `#compdef ${program.name}
# Completion of ${program.name} for zsh. Load it with: source <(${program.name} completion zsh)
${functions.join('\n')}
if [[ \${funcstack[1]} == ${main} ]]; then
  ${main} "$@"
else
  compdef ${main} ${program.name}
fi
`;
}
