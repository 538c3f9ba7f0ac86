import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { type Clock, systemClock } from '../../clock.ts';
import { StateError } from '../../errors.ts';
import { createExecutor } from '../../fl/executor/create-executor.ts';
import { BUILT_IN_TRAINER } from '../../fl/executor/executor-names.ts';
import { aggregatePath } from '../../fl/inspection/model-paths.ts';
import { silentLogger } from '../../logger.ts';
import { callsText, type DemoResult, demoDocument, demoText } from '../demo/demo-result.ts';
import { runSession } from '../demo/demo-session.ts';
import { evaluateRun } from '../demo/evaluation.ts';
import { clientNames, type DemoSize, type DemoTransport, writeSessionFiles } from '../demo/session-files.ts';
import { EXIT } from '../exit-codes.ts';
import { listenForInterrupt } from '../interrupt.ts';
import { lookAtRun } from '../look-at-run.ts';
import { linesOf, processOutput } from '../output.ts';
import { stopWithParent } from '../parent-watch.ts';
import { type SessionView, sessionView } from '../session-view.ts';

/** Processes are what a demo costs: two for each client. */
const CLIENTS_MAX = 20;
const ROUNDS_MAX = 100;

interface DemoFlags {
  readonly clients: number;
  readonly rounds: number;
  readonly seed: number;
  readonly transport: DemoTransport;
  readonly keep?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly color?: boolean;
}

/** Where a demo works, and what becomes of it. */
interface DemoFolder {
  readonly path: string;
  /** Remove what nobody asked to keep. */
  discard(): Promise<void>;
}

async function openDemoFolder(keep: string | undefined): Promise<DemoFolder> {
  if (keep === undefined) {
    const path = await mkdtemp(join(tmpdir(), 'mila-demo-'));
    return { path, discard: () => rm(path, { recursive: true, force: true }) };
  }
  const path = resolve(keep);
  await mkdir(path, { recursive: true });
  if ((await readdir(path)).length > 0)
    throw new StateError({
      code: 'directory-not-empty',
      message: `${path} is not empty`,
      hint: 'Give --keep a new or an empty directory.',
      data: { path },
    });
  return { path, discard: async () => {} };
}

interface DemoRun {
  readonly folder: string;
  readonly size: DemoSize;
  readonly view: SessionView;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

async function runDemo({ folder, size, view, clock, signal }: DemoRun): Promise<DemoResult> {
  const startedAt = clock.monotonic();
  const files = await writeSessionFiles(folder, size);
  const { runFolder, apiCalls } = await runSession({
    directory: folder,
    files,
    size,
    view,
    clock,
    environment: process.env,
    signal,
  });
  view.phase('judging every model on the test digits');
  const { inspection, finalModel: model } = await lookAtRun(runFolder, { clock, checkpoints: 'index' });
  const executor = await createExecutor(
    BUILT_IN_TRAINER,
    {},
    { clock, logger: silentLogger, environment: process.env, temporaryDirectory: tmpdir() },
  );
  const rounds = await evaluateRun(inspection, executor, signal);
  const seconds = (clock.monotonic() - startedAt) / 1000;
  const report = join(folder, 'report.html');
  // Plots are heavy, and no other command of this program draws any.
  const { renderRunPage } = await import('../../fl/report/run-page.ts');
  const page = renderRunPage({
    inspection,
    finalModel: model,
    accuracy: rounds,
    facts: [
      ...(size.transport === 'box' ? [['API calls', callsText(apiCalls)] as const] : []),
      ['took', `${seconds.toFixed(1)} s`],
    ],
  });
  await writeFile(report, page);
  return { rounds, runFolder, finalModel: aggregatePath(inspection, size.rounds), report, apiCalls, seconds };
}

async function demo(flags: DemoFlags): Promise<void> {
  const output = processOutput({ ...flags, noColour: flags.color === false, timed: true });
  const { clients, rounds, seed, transport } = flags;
  const size = { clients, rounds, seed, transport };
  const interrupt = listenForInterrupt();
  const stop = new AbortController();
  interrupt.signal.addEventListener('abort', () => stop.abort(), { once: true });
  const parent = stopWithParent(stop);
  const folder = await openDemoFolder(flags.keep);
  const view = sessionView(
    output,
    { sites: ['server', ...clientNames(clients)], rounds, samples: 'digits' },
    flags.quiet ?? false,
  );
  try {
    const result = await runDemo({
      folder: folder.path,
      size,
      view,
      clock: systemClock(),
      signal: stop.signal,
    });
    if (output.json) output.document(demoDocument(result));
    else output.result(linesOf(demoText(result, process.stdout.isTTY === true && output.colour)));
  } catch (error) {
    view.close();
    if (!stop.signal.aborted) {
      output.note(`everything that this demo left, logs included, is in ${folder.path}`);
      throw error;
    }
    await folder.discard();
    output.note('interrupted; every process of the demo is stopped');
    process.exitCode = EXIT.interrupted;
  } finally {
    parent.dispose();
    interrupt.dispose();
  }
}

function countUpTo(max: number) {
  return (value: string): number => {
    const count = Number(value);
    if (!Number.isSafeInteger(count) || count < 1 || count > max)
      throw new InvalidArgumentError(`Allowed: a whole number from 1 to ${max}.`);
    return count;
  };
}

/** `mila demo`. */
export function demoCommand(): Command {
  return new Command('demo')
    .description(
      'a whole federation on this machine: Box emulator and mounts or gRPC, one server, some clients, real digits',
    )
    .option('--clients <n>', 'how many clients take part', countUpTo(CLIENTS_MAX), 3)
    .option('--rounds <n>', 'how many rounds they train', countUpTo(ROUNDS_MAX), 3)
    .addOption(
      new Option('--transport <name>', 'how the files travel').choices(['box', 'grpc']).default('box'),
    )
    .option('--keep <dir>', 'a new or empty directory for everything that the demo makes')
    .option('--seed <n>', 'another division of the digits and other start weights', countUpTo(2 ** 31 - 1), 1)
    .option('--json', 'the result as one JSON document on standard output')
    .option('--quiet', 'no progress on standard error')
    .option('--no-color', 'no colours')
    .addHelpText('after', '\nExample:\n  mila demo --clients 5 --keep ./demo')
    .action(demo);
}
