import { Argument, Command } from 'commander';
import { bashCompletion } from '../completion/bash.ts';
import { commandTree } from '../completion/command-tree.ts';
import { fishCompletion } from '../completion/fish.ts';
import { zshCompletion } from '../completion/zsh.ts';
import { linesOf, processOutput } from '../output.ts';

const SHELLS = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion } as const;
type Shell = keyof typeof SHELLS;

/** `PROGRAM completion SHELL`: prints a script by which a shell completes the program's own command lines. */
export function completionCommand(program: string, whole: () => Promise<Command>): Command {
  return new Command('completion')
    .description('print a script by which a shell completes commands, options and files')
    .addArgument(new Argument('<shell>', 'the shell that is to load it').choices(Object.keys(SHELLS)))
    .addHelpText('after', `\nExample:\n  source <(${program} completion bash)`)
    .action(async (shell: Shell) => {
      const script = SHELLS[shell](commandTree(await whole()));
      processOutput().result(linesOf(script.trimEnd()));
    });
}
