import { Command, Option } from 'commander';
import { writeFileAtomically } from '../../atomic-file.ts';
import { systemClock } from '../../clock.ts';
import { ConfigError, reasonOf } from '../../errors.ts';
import type { Inspection } from '../../fl/inspection/inspection.ts';
import { inspectionDocument } from '../../fl/report/inspection-document.ts';
import { inspectionText } from '../../fl/report/inspection-text.ts';
import { EXIT } from '../exit-codes.ts';
import { listenForInterrupt } from '../interrupt.ts';
import { type Look, lookAtRun, watchRun } from '../look-at-run.ts';
import { newestRunIn } from '../newest-run-in.ts';
import { wholeNumber } from '../option-values.ts';
import { linesOf, type Output, processOutput } from '../output.ts';
import { assertOwnOrNew, headOf } from '../own-file.ts';

interface InspectFlags {
  readonly json?: boolean;
  readonly html?: string;
  readonly watch?: boolean;
  /** The port; true where none was named. */
  readonly serve?: number | true;
  readonly deep?: boolean;
  readonly checkpoints: boolean;
  readonly quiet?: boolean;
  readonly color?: boolean;
}

/** What a pipe is taken for. Units: columns. */
const WIDTH_DEFAULT = 120;
const WIDTH_MAX = 200;
const PORT_MAX = 65_535;

async function writePage(path: string, { inspection, finalModel }: Look): Promise<void> {
  // What draws the plots is loaded only for a page: it takes longer than the rest of the program.
  const { isRunPage, renderRunPage } = await import('../../fl/report/run-page.ts');
  await assertOwnOrNew({
    named: `--html ${path}`,
    path,
    what: 'a page of mila-sync inspect',
    isOwn: async () => isRunPage(await headOf(path)),
  });
  const page = renderRunPage({ inspection, finalModel, accuracy: null, facts: [] });
  await writeFileAtomically(path, page).catch((cause: unknown) => {
    throw new ConfigError({
      code: 'html-file',
      message: `--html ${path} cannot be written (${reasonOf(cause)})`,
      hint: 'Name a file in an existing folder.',
      cause,
    });
  });
}

function checkpointsOf({ checkpoints, deep }: InspectFlags): 'none' | 'index' | 'whole' {
  if (!checkpoints) return 'none';
  return deep ? 'whole' : 'index';
}

function tell(inspection: Inspection, output: Output, redraw: boolean): void {
  if (output.json) {
    output.document(inspectionDocument(inspection));
    return;
  }
  const width = Math.min(process.stdout.columns ?? WIDTH_DEFAULT, WIDTH_MAX);
  const colour = process.stdout.isTTY === true && output.colour;
  const lines = linesOf(inspectionText(inspection, { width, colour }));
  if (redraw) output.redrawn(lines);
  else output.result(lines);
}

/** Shows each look, on a terminal in place of the one before. */
async function show(look: Look, flags: InspectFlags, output: Output): Promise<void> {
  const { inspection, problem } = look;
  if (problem !== null) output.note(`warning: ${problem}; what the files tell is shown`);
  if (flags.html !== undefined) {
    await writePage(flags.html, look);
    output.note(`page written to ${flags.html}`);
  }
  if (flags.html !== undefined && !output.json) return;
  tell(inspection, output, flags.watch === true);
}

async function follow(folder: string, flags: InspectFlags, output: Output): Promise<void> {
  const interrupt = listenForInterrupt();
  try {
    await watchRun(folder, {
      clock: systemClock(),
      checkpoints: checkpointsOf(flags),
      signal: interrupt.signal,
      onLook: (look) => show(look, flags, output),
    });
  } finally {
    interrupt.dispose();
  }
  if (interrupt.interrupted()) process.exitCode = EXIT.interrupted;
}

async function inspect(folder: string, flags: InspectFlags): Promise<void> {
  const output = processOutput({ ...flags, noColour: flags.color === false });
  if (flags.serve !== undefined) {
    // What draws the plots, and the server, are loaded only for a page.
    const { serveRun } = await import('../live-page/serve-run.ts');
    const port = flags.serve === true ? 0 : flags.serve;
    return serveRun({ folder, port, checkpoints: checkpointsOf(flags), output });
  }
  const run = await newestRunIn(folder, output.note);
  if (flags.watch) return follow(run, flags, output);
  const look = await lookAtRun(run, { clock: systemClock(), checkpoints: checkpointsOf(flags) });
  await show(look, flags, output);
}

/** `mila-sync inspect RUN_DIR`. */
export function inspectCommand(): Command {
  return new Command('inspect')
    .description(
      'what a run folder tells, mounted or a plain copy: who took part, what came when, what is wrong',
    )
    .argument(
      '<run-dir>',
      'the folder of one run, with cfg.json and rounds/; of a folder of runs, the newest; with --serve, all',
    )
    .option('--json', 'one JSON document on standard output')
    .option('--html <file>', 'write one self-contained page with plots instead; over an earlier page only')
    .option('--watch', 'look again whenever something changes, until the run has ended')
    .addOption(
      new Option('--serve [port]', 'serve the page to this machine and keep it fresh, until Ctrl-C')
        .argParser(wholeNumber(0, PORT_MAX))
        .conflicts(['html', 'watch']),
    )
    .option('--deep', 'read every checkpoint whole: checksums, SHA-256')
    .option('--no-checkpoints', 'do not look into checkpoints')
    .option('--quiet', 'no notes on standard error')
    .option('--no-color', 'no colours')
    .addHelpText(
      'after',
      '\nExample:\n  mila-sync inspect "data/box/server/kmol folder/jwt/test_run/2026-01-31_09-15-00" --html report.html\n  mila-sync inspect "data/box/server/kmol folder/jwt/test_run" --serve',
    )
    .action(inspect);
}
