import type { Argument, Command, Option } from 'commander';

/** What may stand in the place of a value. */
export type Value =
  | { readonly kind: 'choices'; readonly choices: readonly string[] }
  | { readonly kind: 'file' | 'folder' | 'anything' };

/** An option as completion needs it. */
export interface OptionNode {
  /** With their dashes, the short one first. */
  readonly names: readonly string[];
  readonly description: string;
  /** Null for a switch, which takes none. */
  readonly value: Value | null;
  /** False where the value may be left out. */
  readonly isRequired: boolean;
}

/** A command, or a program itself, with all below it. */
export interface CommandNode {
  readonly name: string;
  readonly description: string;
  readonly options: readonly OptionNode[];
  /** What stands after the options: the last one counts for all that follow. Empty for a group of commands. */
  readonly values: readonly Value[];
  readonly commands: readonly CommandNode[];
}

/** A command with the words that lead to it, without the program's own. */
export interface PlacedCommand extends CommandNode {
  readonly path: readonly string[];
}

const HELP: OptionNode = {
  names: ['-h', '--help'],
  description: 'display help for command',
  value: null,
  isRequired: false,
};

/** What a value is called says what it is. */
function valueNamed(name: string, choices: readonly string[] | undefined): Value {
  if (choices !== undefined) return { kind: 'choices', choices };
  if (/(^|-)(dir|folder)$/.test(name)) return { kind: 'folder' };
  return { kind: /(^|-)(file|files|path|config|recording)$/.test(name) ? 'file' : 'anything' };
}

function optionNode(option: Option): OptionNode {
  const { short, long, flags, description, argChoices, required, optional } = option;
  const name = /[<[]([^\]>.]+)/.exec(flags)?.[1];
  return {
    names: [short, long].flatMap((each) => (each === undefined ? [] : [each])),
    description,
    value: name !== undefined && (required || optional) ? valueNamed(name, argChoices) : null,
    isRequired: required,
  };
}

/** A word of a command line that is no option is a file where nothing else is known. */
function argumentValue(argument: Argument): Value {
  const value = valueNamed(argument.name(), argument.argChoices);
  return value.kind === 'anything' ? { kind: 'file' } : value;
}

/** What completion needs of a program or a command. */
export function commandTree(command: Command): CommandNode {
  return {
    name: command.name(),
    description: command.description(),
    options: [...command.options.filter(({ hidden }) => !hidden).map(optionNode), HELP],
    values: command.registeredArguments.map(argumentValue),
    commands: command.commands.map(commandTree),
  };
}

/** A program and everything below it, each with its path. */
export function placedCommands(node: CommandNode, path: readonly string[] = []): readonly PlacedCommand[] {
  const below = node.commands.flatMap((each) => placedCommands(each, [...path, each.name]));
  return [{ ...node, path }, ...below];
}
