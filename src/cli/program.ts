import { Command, CommanderError } from 'commander';
import { ConfigError, errnoOf, reasonOf } from '../errors.ts';
import { didYouMean } from '../nearest-name.ts';
import { EXIT } from './exit-codes.ts';
import { standByForFaults } from './last-resort.ts';
import { listedCommands } from './outline.ts';
import { beginAnswer, failWith, lastWords, outputStreams, relay, tellError, wantsJson } from './output.ts';
import { endSurely } from './sure-end.ts';

/** Where commands come from; their modules are loaded only when they may be wanted. */
export interface CommandSource {
  readonly names: readonly string[];
  readonly load: () => Promise<readonly Command[]>;
}

/** Commander's own words, which quote what was typed, or what a shell made of it. */
const WORDS = {
  writeOut: (text: string) => relay('out', text),
  writeErr: (text: string) => relay('err', text),
};

/** The command that a command line names, also as `help NAME`; undefined when it names none. */
function namedIn(argv: readonly string[]): string | undefined {
  const [first, second] = argv.slice(2).filter((word) => !word.startsWith('-'));
  return first === 'help' ? second : first;
}

/**
 * The commands that a command line may mean: the named one alone, so that it starts without what the others need. Where
 * none is named, as for the overview, all of them: of the built program `program` as its outline lists them, else loaded.
 */
export async function commandsFor(
  argv: readonly string[],
  sources: readonly CommandSource[],
  program?: string,
): Promise<readonly Command[]> {
  const name = namedIn(argv);
  const named = sources.find(({ names }) => name !== undefined && names.includes(name));
  const all = sources.flatMap(({ names }) => names);
  const listed = named === undefined && program !== undefined ? listedCommands(program, all) : undefined;
  if (listed !== undefined) return listed;
  const wanted = named === undefined ? sources : [named];
  return (await Promise.all(wanted.map(({ load }) => load()))).flat();
}

/** Build one of the two programs with what both have in common. */
export function createProgram(name: string, description: string, commands: readonly Command[]): Command {
  const program = new Command(name)
    .description(description)
    .version('0.1.0')
    // A command may have a --version of its own.
    .enablePositionalOptions()
    .showHelpAfterError('(add --help for the options)')
    .configureOutput(WORDS)
    .exitOverride();
  for (const command of commands) {
    for (const each of [command, ...command.commands])
      each
        .configureOutput(WORDS)
        .exitOverride()
        .showHelpAfterError(`(${name} ${command.name()} --help lists the options)`);
    program.addCommand(command);
  }
  return program;
}

/** Run a program on the process's arguments; every way out sets the documented exit code. */
export async function runProgram(program: Command): Promise<void> {
  standByForFaults();
  beginAnswer();
  // A program that cannot say something goes on with what it does.
  const [results, words] = outputStreams();
  results.on('error', (error) => tellUnwritten(error));
  words.on('error', () => {});
  try {
    assertKnownCommand(program, process.argv.slice(2));
    await program.parseAsync(process.argv);
  } catch (error) {
    // Commander has already printed usage or help by itself.
    const json = wantsJson(process.argv);
    if (!(error instanceof CommanderError)) failWith(error, json);
    else if (error.exitCode === 0) process.exitCode = EXIT.done;
    else {
      process.exitCode = EXIT.usage;
      if (json) tellUsage(error);
    }
  }
}

/** As `runProgram`, for a process that is there for this alone and ends with it. */
export async function runToTheEnd(program: Command): Promise<void> {
  await runProgram(program);
  const [results, words] = outputStreams();
  endSurely({
    later: (callback, delayMs) => void setTimeout(callback, delayMs).unref(),
    unsaidBytes: () => results.writableLength + words.writableLength,
    held: () => process.getActiveResourcesInfo(),
    tell: (text) => lastWords([text]),
    end: () => process.exit(),
  });
}

/** With --help, commander shows the help of the group that it reached, as if the command existed. */
function assertKnownCommand(group: Command, words: readonly string[]): void {
  const [word = '-', ...rest] = words;
  if (word.startsWith('-') || word === 'help' || group.commands.length === 0) return;
  const next = group.commands.find((command) => command.name() === word);
  if (next !== undefined) {
    assertKnownCommand(next, rest);
    return;
  }
  const near = didYouMean(
    word,
    group.commands.map((command) => command.name()),
  );
  group.error(`error: unknown command '${word}'${near}`, { code: 'commander.unknownCommand', exitCode: 1 });
}

/** For programs; a person has read it, with the usage, on standard error. */
function tellUsage({ message }: CommanderError): void {
  const hint = 'The command with --help lists what it takes.';
  const words = message.replace(/^error: /, '').replaceAll('\n', ' ');
  tellError(new ConfigError({ code: 'usage', message: words, hint }), true);
}

let isOutputLost = false;

/** A reader that has seen enough (`| head -1`) is no failure; results that a full disk did not take are one. */
function tellUnwritten(error: Error): void {
  if (errnoOf(error) === 'EPIPE' || isOutputLost) return;
  isOutputLost = true;
  lastWords([`error: standard output cannot be written: ${reasonOf(error)}`]);
  process.exitCode ??= EXIT.state;
}
