import { resolve } from 'node:path';
import { Command, Option } from 'commander';
import { InterruptedError } from '../../errors.ts';
import { printable } from '../../printable.ts';
import { shellWord } from '../../shell-word.ts';
import { askOnTerminal } from '../asking.ts';
import { exitCodeOf } from '../exit-codes.ts';
import {
  type Answers,
  assertTogether,
  type FederationChoice,
  TRAINERS,
  TRANSPORTS,
  type Trainer,
  type Transport,
} from '../init/federation-choice.ts';
import { findPython } from '../init/find-python.ts';
import { askForRest, participantsIn, type ToldChoice, usualAnswers } from '../init/questions.ts';
import { writeStarterFiles } from '../init/starter-files.ts';
import { type Output, processOutput } from '../output.ts';

interface InitFlags {
  readonly transport?: Transport;
  readonly participants?: readonly string[];
  readonly program?: Trainer;
  readonly emulator?: boolean;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

async function answersFrom(told: ToldChoice, output: Output): Promise<Answers> {
  const isWatched = process.stdin.isTTY === true && output.interactive && !output.json;
  if (!isWatched) return usualAnswers(told);
  const terminal = askOnTerminal();
  try {
    return await askForRest(told, { ask: terminal.ask, say: output.note });
  } finally {
    terminal.close();
  }
}

async function choiceFrom(answers: Answers, output: Output): Promise<FederationChoice> {
  if (answers.trainer !== 'pytorch') return { ...answers, python: 'python3' };
  const { command, hasModule } = await findPython('torch', process.env);
  if (!hasModule)
    output.note([
      'warning: no python3 on the PATH can import torch, which train.py needs',
      '  Type: python3 -m pip install torch',
    ]);
  else if (command !== 'python3')
    output.note(`python3 has no torch; the sites' files name ${printable(command)}, which has.`);
  return { ...answers, python: command };
}

function tellWritten(
  output: Output,
  directory: string,
  written: readonly string[],
  choice: FederationChoice,
): void {
  if (output.json) {
    output.document({ directory: resolve(directory), files: written });
    return;
  }
  output.result([`written into ${printable(directory)}:`, ...written.map((name) => `  ${printable(name)}`)]);
  const isReady = choice.transport !== 'box' || choice.emulator;
  output.note(
    isReady
      ? `Type: mila up ${shellWord(directory)}`
      : `The next steps are in ${shellWord(`${directory}/README.md`)}; to try it without Box, give --emulator.`,
  );
}

async function init(directory: string, flags: InitFlags): Promise<void> {
  const output = processOutput(flags);
  try {
    const answers = await answersFrom(flags, output);
    assertTogether(answers);
    const choice = await choiceFrom(answers, output);
    tellWritten(output, directory, await writeStarterFiles(directory, choice), choice);
  } catch (error) {
    if (!(error instanceof InterruptedError)) throw error;
    output.note(['', error.message]);
    process.exitCode = exitCodeOf(error);
  }
}

/** `mila init DIR`. */
export function initCommand(): Command {
  return new Command('init')
    .description("make a federation's files: server, clients, task, training program, and what to type next")
    .argument('<dir>', 'a new directory, or one that holds none of these files')
    .addOption(new Option('--transport <name>', 'how the files travel (default: box)').choices(TRANSPORTS))
    .option(
      '--participants <names>',
      'the sites, with commas between (default: site_a,site_b,site_c)',
      participantsIn,
    )
    .addOption(
      new Option('--program <name>', 'what trains (default: pytorch, a train.py to change)').choices(
        TRAINERS,
      ),
    )
    .option('--emulator', 'with an emulator of Box on this machine, to rehearse with')
    .option('--no-emulator', 'with Box itself, without being asked')
    .option('--json', 'what was written as one JSON document on standard output')
    .option('--quiet', 'no progress on standard error')
    .addHelpText('after', '\nExample:\n  mila init trial --participants basel,tokyo --emulator')
    .action(init);
}
