import { Command } from 'commander';
import { systemClock } from '../../clock.ts';
import { ConfigError, InterruptedError, RejectedError, StateError } from '../../errors.ts';
import { MLFLOW_ENTRY } from '../../fl/config/tracking-section.ts';
import type { Inspection } from '../../fl/inspection/inspection.ts';
import { inspectedMeasurements } from '../../fl/tracking/inspected-measurements.ts';
import { MlflowApi } from '../../fl/tracking/mlflow-api.ts';
import { exportToMlflow, type MlflowExport } from '../../fl/tracking/mlflow-export.ts';
import type { TimedMeasurement } from '../../fl/tracking/point.ts';
import { issueWords } from '../../issue-words.ts';
import { exportAsTable, exportForTensorboard } from '../exported-files.ts';
import { httpClient } from '../http-send.ts';
import { listenForInterrupt } from '../interrupt.ts';
import { lookAtRun } from '../look-at-run.ts';
import { newestRunIn } from '../newest-run-in.ts';
import { processOutput } from '../output.ts';

interface ExportFlags {
  readonly tensorboard?: string;
  readonly csv?: string;
  readonly mlflow?: string;
  readonly experiment?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

interface Exported {
  readonly inspection: Inspection;
  readonly measurements: readonly TimedMeasurement[];
}

/** Where the numbers are to go at MLflow. Errors: ConfigError 'mlflow-address', which does not show the address. */
function placeOf(uri: string, experiment: string | undefined) {
  const entry = { type: 'mlflow', uri, ...(experiment === undefined ? {} : { experiment }) };
  const { data, error } = MLFLOW_ENTRY.safeParse(entry);
  if (data !== undefined) return data;
  const [issue] = error?.issues ?? [];
  const option = issue?.path[0] === 'experiment' ? '--experiment' : '--mlflow';
  const words = issue === undefined ? 'another value is expected' : issueWords(issue);
  throw new ConfigError({ code: 'mlflow-address', message: `${option}: ${words}` });
}

async function toMlflow(
  { uri, experiment }: { readonly uri: string; readonly experiment: string },
  exported: Exported,
): Promise<MlflowExport> {
  const client = httpClient();
  const interrupt = listenForInterrupt();
  try {
    const token = process.env['MLFLOW_TRACKING_TOKEN'] ?? '';
    const api = new MlflowApi({ uri, token: token === '' ? null : token, send: client.send });
    return await exportToMlflow({ ...exported, api, experiment, signal: interrupt.signal });
  } catch (error) {
    if (interrupt.interrupted()) throw interruptedExport();
    // It is neither this program's fault nor the command line's.
    if (error instanceof RejectedError) throw refusedExport(error);
    throw error;
  } finally {
    interrupt.dispose();
    await client.close();
  }
}

const interruptedExport = () =>
  new InterruptedError({
    code: 'interrupted',
    message: 'the export was interrupted; typed again, it goes on where it was',
  });

const refusedExport = (cause: RejectedError) =>
  new StateError({
    code: cause.code,
    message: cause.message,
    hint: 'Look at the run and the experiment there, or name another one: --experiment.',
    cause,
  });

function assertAsked({ tensorboard, csv, mlflow, experiment }: ExportFlags): void {
  const hint = 'Type: mila-sync export --help';
  if (tensorboard === undefined && csv === undefined && mlflow === undefined)
    throw new ConfigError({ code: 'nowhere', message: 'it is not said where the numbers are to go', hint });
  if (experiment !== undefined && mlflow === undefined)
    throw new ConfigError({ code: 'no-mlflow', message: '--experiment goes with --mlflow', hint });
}

async function exportRun(folder: string, flags: ExportFlags): Promise<void> {
  const output = processOutput(flags);
  assertAsked(flags);
  const { tensorboard, csv, mlflow, experiment } = flags;
  const place = mlflow === undefined ? undefined : placeOf(mlflow, experiment);
  const { inspection, problem } = await lookAtRun(await newestRunIn(folder, output.note), {
    clock: systemClock(),
    checkpoints: 'none',
  });
  if (problem !== null) output.note(`warning: ${problem}; what the files tell is exported`);
  const measurements = inspectedMeasurements(inspection);
  if (measurements.length === 0) output.note('warning: the run folder tells no numbers');
  const { name: run } = inspection;
  const exported = { inspection, measurements };
  const file = tensorboard === undefined ? null : await exportForTensorboard(tensorboard, run, measurements);
  if (csv !== undefined) await exportAsTable(csv, measurements);
  const sent = place === undefined ? null : await toMlflow(place, exported);
  if (output.json) {
    const brought = sent === null ? null : { run_id: sent.runId, sent: sent.sent };
    output.document({ run, tensorboard: file, csv: csv ?? null, mlflow: brought });
    return;
  }
  if (file !== null) output.result(file);
  if (csv !== undefined) output.result(csv);
  if (sent !== null && place !== undefined)
    output.result(`MLflow run ${sent.runId} at ${new URL(place.uri).host}: ${sent.sent} new numbers`);
}

/** `mila-sync export RUN_DIR`. */
export function exportCommand(): Command {
  return new Command('export')
    .description("bring a run's numbers to TensorBoard, to a table or to MLflow, live or afterwards")
    .argument('<run-dir>', 'the folder of one run: the one with cfg.json and rounds/')
    .option('--tensorboard <dir>', 'write event files below this folder, one folder for each run')
    .option('--csv <file>', 'write a table; over an earlier one of this command only')
    .option('--mlflow <uri>', 'bring them to this MLflow server; token: MLFLOW_TRACKING_TOKEN')
    .option('--experiment <name>', 'the experiment there (default: mila)')
    .option('--json', 'one JSON document on standard output')
    .option('--quiet', 'no notes on standard error')
    .addHelpText('after', '\nExample:\n  mila-sync export RUN_DIR --tensorboard logs --csv numbers.csv')
    .action(exportRun);
}
