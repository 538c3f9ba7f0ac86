import { resolve } from 'node:path';
import { Command } from 'commander';
import { systemClock } from '../../clock.ts';
import { InterruptedError } from '../../errors.ts';
import { printable } from '../../printable.ts';
import { shellWord } from '../../shell-word.ts';
import type { ChildEvent } from '../child-program.ts';
import { exitCodeOf } from '../exit-codes.ts';
import { listenForInterrupt } from '../interrupt.ts';
import { describeError, type Output, processOutput } from '../output.ts';
import { stopWithParent } from '../parent-watch.ts';
import { type LocalFederation, readLocalFederation } from '../rehearsal/local-federation.ts';
import { type RehearsalResult, rehearse } from '../rehearsal/rehearsal.ts';
import { type SessionView, sessionView } from '../session-view.ts';

interface UpFlags {
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly color?: boolean;
}

/** With `--json`, every event with the site that told it, beside what a person sees. */
function viewOf(output: Output, federation: LocalFederation, quiet: boolean): SessionView {
  const sites = [federation.server, ...federation.clients].map(({ name }) => name);
  const shape = { sites, rounds: federation.rounds, samples: 'samples' };
  const view = sessionView(output, shape, quiet);
  if (!output.json) return view;
  return {
    phase: (text) => view.phase(text),
    event: (site: string, event: ChildEvent) => {
      output.document({ site, ...event });
      view.event(site, event);
    },
    close: () => view.close(),
  };
}

/** Guarantees: with `--json` the last line on standard output tells the end, whatever the end. */
function tellResult(output: Output, directory: string, result: RehearsalResult): void {
  const { failure, finalModel, runFolder } = result;
  if (failure instanceof InterruptedError)
    output.note(`interrupted; every process is stopped, and \`mila up ${directory}\` goes on with the run`);
  else if (failure !== null) output.note(describeError(failure));
  const success = failure === null;
  if (output.json)
    output.document({ event: 'ended', success, final_model: finalModel, run_folder: runFolder });
  else if (success) output.result(resultLines(result));
  if (!success) process.exitCode = exitCodeOf(failure);
}

function resultLines({ finalModel, runFolder }: RehearsalResult): readonly string[] {
  return [
    `final model  ${printable(finalModel ?? 'none')}`,
    `run folder   ${printable(runFolder ?? 'none')}`,
    `look at it   mila-sync inspect ${shellWord(runFolder ?? '')} --html report.html`,
  ];
}

async function up(directory: string, flags: UpFlags): Promise<void> {
  const output = processOutput({ ...flags, noColour: flags.color === false, timed: true });
  const federation = await readLocalFederation(resolve(directory));
  for (const warning of federation.warnings) output.note(`warning: ${warning}`);
  const interrupt = listenForInterrupt();
  const stop = new AbortController();
  interrupt.signal.addEventListener('abort', () => stop.abort(), { once: true });
  const parent = stopWithParent(stop);
  try {
    const view = viewOf(output, federation, flags.quiet ?? false);
    const surroundings = { clock: systemClock(), environment: process.env, signal: stop.signal };
    tellResult(output, directory, await rehearse({ federation, view, ...surroundings }));
  } finally {
    parent.dispose();
    interrupt.dispose();
  }
}

/** `mila up DIR`. */
export function upCommand(): Command {
  return new Command('up')
    .description(
      'rehearse: run the whole federation of a directory on this machine, emulator and mounts included',
    )
    .argument('<dir>', "directory with server.json and the clients' files, such as one of `mila init`")
    .option('--json', 'one JSON object per event on standard output, with the site that told it')
    .option('--quiet', 'no progress on standard error')
    .option('--no-color', 'no colours')
    .addHelpText('after', '\nExample:\n  mila init trial --emulator && mila up trial')
    .action(up);
}
