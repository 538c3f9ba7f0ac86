import { readFileSync } from 'node:fs';
import { Command, Option } from 'commander';

/** What the overview of a program says of one of its commands. */
interface OutlinedCommand {
  readonly name: string;
  readonly description: string;
  readonly arguments: readonly string[];
  readonly hasOptions: boolean;
}

/** The overviews of both programs, by the program's name. */
export type Outline = Readonly<Record<string, readonly OutlinedCommand[]>>;

const bracketed = (name: string, isRequired: boolean) => (isRequired ? `<${name}>` : `[${name}]`);

/** What an overview needs of commands. */
export function outlineOf(commands: readonly Command[]): readonly OutlinedCommand[] {
  return commands.map((command) => ({
    name: command.name(),
    description: command.description(),
    arguments: command.registeredArguments.map((each) =>
      bracketed(`${each.name()}${each.variadic ? '...' : ''}`, each.required),
    ),
    hasOptions: command.options.length > 0,
  }));
}

/** Commands that can be listed and not run. */
export function listed(outline: readonly OutlinedCommand[]): readonly Command[] {
  return outline.map(({ name, description, arguments: words, hasOptions }) => {
    const command = new Command(name).description(description);
    for (const word of words) command.argument(word);
    if (hasOptions) command.addOption(new Option('--any').hideHelp());
    return command;
  });
}

/**
 * The commands of a program as its overview lists them, without the modules that run them.
 *
 * Returns: undefined where the program runs from its source, or where the outline is of other commands: then the
 * commands themselves must be asked.
 */
export function listedCommands(program: string, names: readonly string[]): readonly Command[] | undefined {
  const outline = readOutline()?.[program];
  return outline !== undefined && String(outline.map(({ name }) => name)) === String(names)
    ? listed(outline)
    : undefined;
}

/** The build writes it from the commands themselves. */
function readOutline(): Outline | undefined {
  try {
    return JSON.parse(readFileSync(new URL('./outline.json', import.meta.url), 'utf8')) as Outline;
  } catch {
    return undefined;
  }
}
