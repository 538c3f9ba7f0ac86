import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, resolve } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { temporaryPathFor } from '../../atomic-file.ts';
import { systemClock } from '../../clock.ts';
import { ConfigError, CorruptError, reasonOf, StateError } from '../../errors.ts';
import {
  type AggregationScript,
  participantNames,
  readAggregationScript,
  withNamedWeights,
} from '../../fl/aggregate/aggregation-script.ts';
import type { AggregationReport } from '../../fl/aggregate/aggregator.ts';
import { type AggregatorDependencies, createAggregator } from '../../fl/aggregate/create-aggregator.ts';
import { readTaskDocument } from '../../fl/config/document.ts';
import { createExecutor } from '../../fl/executor/create-executor.ts';
import { isPlannedArchive } from '../../fl/torch/archive-plan.ts';
import { participantId } from '../../ids.ts';
import type { Logger } from '../../logger.ts';
import { byteProgress } from '../byte-progress.ts';
import { listenForInterrupt } from '../interrupt.ts';
import { type Output, processOutput } from '../output.ts';
import { assertOwnOrNew } from '../own-file.ts';
import { LOG_LEVELS, type LogLevel, pinoLogger } from '../pino-logger.ts';

interface AggregateFlags {
  readonly type?: string;
  readonly output?: string;
  readonly weights?: readonly number[];
  readonly options?: Readonly<Record<string, unknown>>;
  readonly compat?: 'kmol';
  readonly previous?: string;
  readonly round?: number;
  readonly state?: string;
  readonly skipRefused?: boolean;
  readonly verify: boolean;
  readonly threads?: number;
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly color: boolean;
  readonly logLevel: LogLevel;
}

const MEGABYTE = 1e6;

function numbers(text: string): readonly number[] {
  const values = text.split(',').map((word) => (word.trim() === '' ? Number.NaN : Number(word)));
  if (values.some((value) => !Number.isFinite(value) || value < 0))
    throw new InvalidArgumentError('a list of numbers is expected, such as 0.8,0.2');
  return values;
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1)
    throw new InvalidArgumentError('a whole number from 1 is expected');
  return value;
}

function jsonObject(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return value as Readonly<Record<string, unknown>>;
  } catch {
    // Reported below, like any other text that is no object.
  }
  throw new InvalidArgumentError('a JSON object is expected, such as {"fraction":0.2}');
}

function logLevel(text: string): LogLevel {
  const level = LOG_LEVELS.find((known) => known === text);
  if (level === undefined) throw new InvalidArgumentError(`one of ${LOG_LEVELS.join(', ')} is expected`);
  return level;
}

/** What is to be done: from a file, or from the flags and the named checkpoints. */
async function scriptOf(files: readonly string[], flags: AggregateFlags): Promise<AggregationScript> {
  const isConfiguration = flags.output === undefined && flags.type === undefined;
  const [first] = files;
  if (isConfiguration && files.length === 1 && first !== undefined) return readAggregationScript(first);
  if (flags.output === undefined || files.length === 0)
    throw new ConfigError({
      code: 'usage',
      message: 'name one configuration, or --output OUT and the checkpoints to combine',
      hint: 'mila aggregate --type plain -o OUT A.pt B.pt',
    });
  return {
    aggregatorType: flags.type ?? (flags.weights === undefined ? 'plain' : 'weighted'),
    aggregatorOptions: {
      ...flags.options,
      ...(flags.weights === undefined ? {} : { weights: flags.weights }),
      ...(flags.compat === undefined ? {} : { compat: flags.compat }),
    },
    checkpointPaths: files,
    savePath: flags.output,
    notes: [],
  };
}

/** The executor that a benchmarked aggregation evaluates with, as its options name it. */
async function evaluatorOf(
  { aggregatorOptions }: AggregationScript,
  logger: Logger,
): Promise<Pick<AggregatorDependencies, 'evaluate'>> {
  const { executor_type: type, config_path: path } = aggregatorOptions;
  if (typeof type !== 'string' || typeof path !== 'string') return {};
  const executor = await createExecutor(
    type,
    {},
    { clock: systemClock(), logger, environment: process.env, temporaryDirectory: tmpdir() },
  );
  const configuration = await readTaskDocument(path);
  const never = new AbortController().signal;
  return {
    evaluate: (checkpointPath, signal = never) =>
      executor.evaluate({ configuration, checkpointPath, signal }),
  };
}

/**
 * Where the aggregate goes, told before anything is read.
 *
 * Errors: ConfigError 'output-unusable'; StateError 'foreign-file' for a checkpoint that no aggregation wrote.
 */
async function prepareOutput(path: string, inputs: readonly string[]): Promise<void> {
  const unusable = (why: string, cause?: unknown) =>
    new ConfigError({
      code: 'output-unusable',
      message: `the aggregate cannot go to ${path}: ${why}`,
      ...(cause === undefined ? {} : { cause }),
    });
  await mkdir(dirname(resolve(path)), { recursive: true }).catch((error: unknown) => {
    throw unusable(reasonOf(error), error);
  });
  const standing = await stat(path).catch(() => undefined);
  if (standing !== undefined && !standing.isFile()) throw unusable('something else than a file stands there');
  if (standing === undefined) return;
  for (const input of inputs) {
    const facts = await stat(input).catch(() => undefined);
    if (facts?.ino === standing.ino && facts.dev === standing.dev)
      throw new StateError({
        code: 'foreign-file',
        message: `--output ${path}: it is one of the checkpoints to combine, and is not written over`,
        hint: 'Give another name.',
        data: { path },
      });
  }
  await assertOwnOrNew({
    named: `--output ${path}`,
    path,
    what: 'a model that mila wrote',
    isOwn: () => isPlannedArchive(path),
  });
}

async function run(files: readonly string[], flags: AggregateFlags): Promise<void> {
  const output = processOutput({ ...flags, noColour: !flags.color });
  const logger = pinoLogger(flags.logLevel);
  const script = await scriptOf(files, flags);
  for (const note of script.notes) output.note(note);
  const { checkpointPaths, savePath } = script;
  const options = withNamedWeights(script.aggregatorOptions, checkpointPaths);
  const aggregator = await createAggregator(script.aggregatorType, options, {
    logger,
    ...(await evaluatorOf(script, logger)),
    ...(flags.state === undefined ? {} : { statePath: flags.state }),
    environment: {
      checksums: flags.verify ? 'verify' : 'trusted',
      ...(flags.threads === undefined ? {} : { threads: flags.threads }),
    },
  });
  const names = participantNames(checkpointPaths);
  const inputs = checkpointPaths.map((path, index) => ({
    participant: participantId(names[index] ?? path),
    path,
    samples: null,
  }));
  await prepareOutput(savePath, checkpointPaths);
  const interrupt = listenForInterrupt();
  const progress = byteProgress('aggregating', output, { quiet: flags.quiet === true, clock: systemClock() });
  // Published only once it is known that nothing was left out unasked.
  const draft = temporaryPathFor(savePath);
  try {
    const report = await aggregator.aggregate(inputs, draft, {
      signal: interrupt.signal,
      onProgress: progress.update,
      ...(flags.previous === undefined ? {} : { previousPath: flags.previous }),
      ...(flags.round === undefined ? {} : { round: flags.round }),
    });
    if (flags.skipRefused !== true) assertNothingRefused(report);
    await rename(draft, savePath);
    progress.stop();
    tell(report, savePath, output);
  } catch (error) {
    progress.stop();
    await rm(draft, { force: true });
    if (!interrupt.interrupted()) throw error;
    output.note('stopped; nothing was written');
    process.exitCode = 130;
  } finally {
    interrupt.dispose();
  }
}

function assertNothingRefused({ refused }: AggregationReport): void {
  const [first] = refused;
  if (first === undefined) return;
  throw new CorruptError({
    code: first.reason,
    message: refused.map(({ participant, message }) => `${participant}: ${message}`).join('\n'),
    hint: 'Nothing was written. --skip-refused combines the others.',
    data: { refused },
  });
}

function tell(report: AggregationReport, savePath: string, output: Output): void {
  const { refused, tensors, sizeBytes, notes } = report;
  if (output.json) {
    const weights = Object.fromEntries(report.weights);
    output.document({ output: savePath, weights, refused, tensors, size_bytes: sizeBytes, notes });
    return;
  }
  for (const { participant, message } of refused) output.note(`left out ${participant}: ${message}`);
  for (const note of notes) output.note(note);
  const weights = [...report.weights].map(([name, weight]) => `${name} ${weight.toFixed(4)}`).join(', ');
  output.note(`${tensors} tensors, ${(sizeBytes / MEGABYTE).toFixed(1)} MB; weights: ${weights}`);
  output.result(savePath);
}

/** `mila aggregate`: combine checkpoints by hand, as kMoL's manual_aggregation script does. */
export function aggregateCommand(): Command {
  return new Command('aggregate')
    .description('combine checkpoints into one')
    .argument(
      '<files...>',
      "kMoL's manual aggregation script (JSON or YAML), or the checkpoints with --output",
    )
    .option('-o, --output <file>', 'where the aggregate goes; over an earlier aggregate only')
    .option('-t, --type <rule>', 'plain, weighted, median, ... or a dotted name (default: plain)')
    .option('-w, --weights <list>', 'weights in the order of the checkpoints, such as 0.8,0.2', numbers)
    .option('--options <json>', "the rule's options", jsonObject)
    .option('--compat <kmol>', "kMoL's own results, bit for bit, without guards", (text) => {
      if (text === 'kmol') return text;
      throw new InvalidArgumentError('kmol is expected');
    })
    .option('--previous <file>', 'the aggregate that the round started from, for rules that need it')
    .option('--round <n>', 'which round this is, for server optimisers', wholeNumber)
    .option('--state <path>', "start of the names of a server optimiser's state files")
    .option('--skip-refused', 'leave unusable checkpoints out instead of failing')
    .option('--no-verify', 'do not compare checksums')
    .option('--threads <n>', 'threads for large inputs (default: 2)', wholeNumber)
    .option('--json', 'the report as one JSON document')
    .option('--quiet', 'no notes, no progress')
    .option('--no-color', 'no colours')
    .option('--log-level <level>', 'trace to fatal', logLevel, 'error')
    .addHelpText(
      'after',
      '\nExamples:\n  mila aggregate manual_aggregation.yml\n  mila aggregate --type weighted --weights 0.8,0.2 -o out.pt a.pt b.pt',
    )
    .action((files: readonly string[], flags: AggregateFlags) => run(files, flags));
}
