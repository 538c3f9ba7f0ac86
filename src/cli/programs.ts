import type { Command } from 'commander';
import { MILA_COMMANDS } from './mila-commands.ts';
import { MILA_SYNC_COMMANDS } from './mila-sync-commands.ts';
import { type CommandSource, createProgram } from './program.ts';

/** One of the two programs, before any of its commands is loaded. */
export interface ProgramSource {
  readonly name: string;
  readonly purpose: string;
  readonly sources: readonly CommandSource[];
}

/** A program whose commands are these, and one more that needs to know all of them. */
function programOf(name: string, purpose: string, commands: readonly CommandSource[]): ProgramSource {
  const completion: CommandSource = {
    names: ['completion'],
    load: async () => {
      const { completionCommand } = await import('./commands/completion.ts');
      return [completionCommand(name, () => wholeProgram(program))];
    },
  };
  const program: ProgramSource = { name, purpose, sources: [...commands, completion] };
  return program;
}

/** The federation's program. */
export const MILA = programOf(
  'mila',
  'federated learning on files: the server, the clients and their tools',
  MILA_COMMANDS,
);

/** The mount's program. */
export const MILA_SYNC = programOf(
  'mila-sync',
  'mirror a shared Box folder into a working directory, both ways',
  MILA_SYNC_COMMANDS,
);

/** A program with every command and its options, as completion and manual pages want it. */
export async function wholeProgram({ name, purpose, sources }: ProgramSource): Promise<Command> {
  const commands = await Promise.all(sources.map(({ load }) => load()));
  return createProgram(name, purpose, commands.flat());
}
