import { Command } from 'commander';
import { type Clock, systemClock } from '../../clock.ts';
import { lookIntoCheckpoints } from '../../fl/inspection/checkpoint-findings.ts';
import { inspectRun } from '../../fl/inspection/inspect-run.ts';
import type { Inspection } from '../../fl/inspection/inspection.ts';
import { scanRun } from '../../fl/inspection/scan-run.ts';
import { inspectionDocument } from '../../fl/report/inspection-document.ts';
import { inspectionText } from '../../fl/report/inspection-text.ts';
import { mountFacts } from '../mount-facts.ts';
import { type Output, processOutput } from '../output.ts';

interface InspectFlags {
  readonly json?: boolean;
  readonly deep?: boolean;
  readonly checkpoints: boolean;
  readonly quiet?: boolean;
  readonly color?: boolean;
}

/** What a pipe is taken for. Units: columns. */
const WIDTH_DEFAULT = 120;
const WIDTH_MAX = 200;

async function look(folder: string, flags: InspectFlags, clock: Clock, output: Output): Promise<Inspection> {
  const run = await scanRun(folder);
  const { facts, problem } = await mountFacts(run.folder);
  if (problem !== null) output.note(`warning: ${problem}; what the files tell is shown`);
  const findings = flags.checkpoints
    ? await lookIntoCheckpoints(run, { deep: flags.deep ?? false })
    : new Map();
  return inspectRun({ run, facts, findings, nowMs: clock.now() });
}

function tell(inspection: Inspection, output: Output): void {
  if (output.json) {
    output.document(inspectionDocument(inspection));
    return;
  }
  const width = Math.min(process.stdout.columns ?? WIDTH_DEFAULT, WIDTH_MAX);
  output.result(
    inspectionText(inspection, { width, colour: process.stdout.isTTY === true && output.colour }),
  );
}

async function inspect(folder: string, flags: InspectFlags): Promise<void> {
  const output = processOutput({ ...flags, noColour: flags.color === false });
  tell(await look(folder, flags, systemClock(), output), output);
}

/** `mila-sync inspect RUN_DIR`. */
export function inspectCommand(): Command {
  return new Command('inspect')
    .description(
      'what a run folder tells, mounted or a plain copy: who took part, what came when, what is wrong',
    )
    .argument('<run-dir>', 'the folder of one run: the one with cfg.json and rounds/')
    .option('--json', 'one JSON document on standard output')
    .option('--deep', 'read every checkpoint whole: checksums, SHA-256')
    .option('--no-checkpoints', 'do not look into checkpoints')
    .option('--quiet', 'no notes on standard error')
    .option('--no-color', 'no colours')
    .addHelpText(
      'after',
      '\nExample:\n  mila-sync inspect "data/box/server/kmol folder/jwt/test_run/2026-01-31_09-15-00"',
    )
    .action(inspect);
}
