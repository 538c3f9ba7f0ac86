import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Clock } from '../../clock.ts';
import { ConfigError, RoundError } from '../../errors.ts';
import { quotedLastWords } from '../../last-words.ts';
import type { Logger } from '../../logger.ts';
import { printable, shortened } from '../../printable.ts';
import { stringifyAsWritten } from '../config/written-numbers.ts';
import {
  type CommandOptions,
  checkPlaceholders,
  fillPlaceholders,
  type Placeholders,
} from './command-options.ts';
import type { EvaluationRequest, Executor, Metrics, TrainingRequest, TrainingResult } from './executor.ts';
import { findProgram } from './find-program.ts';
import { endOrphan, forgetProgram, rememberProgram } from './orphan.ts';
import { type ProgramProgress, progressOf } from './progress-line.ts';
import { readReport } from './result-file.ts';
import { type ProgramRun, runProgram } from './run-program.ts';
import { listCheckpoints, writtenCheckpoint } from './written-checkpoint.ts';

interface CommandExecutorOptions {
  readonly options: CommandOptions;
  readonly clock: Clock;
  readonly logger: Logger;
  /** This process's own variables, which the program inherits. */
  readonly environment: NodeJS.ProcessEnv;
  /** Where short-lived files may stand. */
  readonly temporaryDirectory: string;
}

/** What is told of a program's line. Units: characters. */
const LINE_MAX = 120;

/** A path as a program in another folder finds it; empty where there is none. */
const fullPath = (path: string | undefined) => (path === undefined ? '' : resolve(path));

/** The metrics of an evaluation, which has nothing else to give. Errors: RoundError 'training-failed'. */
async function evaluatedMetrics(path: string): Promise<Metrics> {
  const { metrics, omissions } = await readReport(path);
  if (Object.keys(metrics).length > 0 || omissions.length === 0) return metrics;
  throw new RoundError({
    code: 'training-failed',
    message: `the evaluation told no metric that can be used: ${omissions.join('; ')}`,
    data: { path },
  });
}

/** A program that left too little behind may have said why. */
function withLastWords(error: unknown, words: string): unknown {
  if (!(error instanceof RoundError)) return error;
  const { code, message, hint, data, cause } = error;
  return new RoundError({
    code,
    message: `${message}${quotedLastWords(words)}`,
    data: { ...data, lastWords: words },
    ...(hint === undefined ? {} : { hint }),
    ...(cause === undefined ? {} : { cause }),
  });
}

/** Tells what a program's lines say of its progress, with the last of its other lines. */
function progressTeller({ onProgress }: TrainingRequest): (lines: readonly string[]) => void {
  let progress: ProgramProgress | undefined;
  let line: string | undefined;
  return (lines) => {
    for (const each of lines) {
      const told = progressOf(each);
      if (told === undefined) line = shortened(printable(each), LINE_MAX);
      else progress = told;
    }
    onProgress?.(progress?.fraction ?? null, progress?.metrics ?? {}, line);
  };
}

/**
 * Trains and evaluates by running another program, such as `kmol train CONFIG`.
 *
 * Guarantees: the checkpoint returned was written by this very run; the program never sees a shell; nothing of it
 * outlives a stop.
 */
export class CommandExecutor implements Executor {
  readonly #options: CommandOptions;
  readonly #deps: CommandExecutorOptions;

  constructor(deps: CommandExecutorOptions) {
    this.#options = deps.options;
    this.#deps = deps;
  }

  /** Errors: ConfigError 'command-not-found' | 'executor-options', long before a round would need the program. */
  async check(): Promise<void> {
    const { command, workingDirectory, environment } = this.#options;
    checkPlaceholders(this.#options);
    await findProgram(command[0] ?? '', {
      workingDirectory,
      searchPath: environment['PATH'] ?? this.#deps.environment['PATH'] ?? '',
    });
  }

  async train(request: TrainingRequest): Promise<TrainingResult> {
    const { checkpointName, resultFile, command } = this.#options;
    const { outputDirectory } = request;
    const values: Placeholders = {
      config: resolve(request.configurationPath),
      output: resolve(outputDirectory),
      checkpoint: fullPath(request.startCheckpointPath),
      round: String(request.round),
      participant: request.participant,
    };
    const resultPath =
      resultFile === null ? null : resolve(outputDirectory, fillPlaceholders(resultFile, values));
    // A result of an earlier round must never be taken for this one's.
    if (resultPath !== null) await rm(resultPath, { force: true });
    const memoPath = join(dirname(request.configurationPath), 'training.process.json');
    if (await endOrphan(memoPath, this.#deps.clock))
      this.#deps.logger.warn({ memoPath }, 'a training that outlived its client was ended');
    const before = await listCheckpoints(outputDirectory, checkpointName);
    const logPath = join(outputDirectory, `training.round_${request.round}.log`);
    let memo: Promise<void> = Promise.resolve();
    const onStart = (pid: number) => {
      memo = rememberProgram(memoPath, pid).catch(() => {});
    };
    request.onOutput?.(logPath);
    let lastWords: string;
    try {
      const onLines = progressTeller(request);
      lastWords = await this.#run(command, { values, logPath, signal: request.signal, onStart, onLines });
    } finally {
      await memo;
      await forgetProgram(memoPath);
    }
    try {
      const after = await listCheckpoints(outputDirectory, checkpointName);
      const checkpointPath = await writtenCheckpoint(before, after, {
        where: outputDirectory,
        checkpointName,
      });
      const result = resultPath === null ? { samples: null, metrics: {} } : await readReport(resultPath);
      request.onProgress?.(1, result.metrics);
      return { checkpointPath, ...result };
    } catch (error) {
      throw withLastWords(error, lastWords);
    }
  }

  async evaluate(request: EvaluationRequest): Promise<Metrics> {
    const { evaluateCommand } = this.#options;
    if (evaluateCommand === null)
      throw new ConfigError({
        code: 'executor-options',
        message: 'this executor cannot evaluate: executor_options.evaluate_command is missing',
        hint: 'Give a command that writes {"metrics":{"name":number}} to the path that {result} stands for.',
      });
    const folder = await mkdtemp(resolve(this.#deps.temporaryDirectory, 'mila-evaluation-'));
    const checkpoint = fullPath(request.checkpointPath);
    try {
      const result = join(folder, 'result.json');
      const config = join(folder, 'config.json');
      await writeFile(config, stringifyAsWritten({ ...request.configuration, checkpoint_path: checkpoint }));
      const values: Placeholders = { config, result, checkpoint, output: folder };
      await this.#run(evaluateCommand, { values, logPath: join(folder, 'log.txt'), signal: request.signal });
      return await evaluatedMetrics(result);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  async #run(
    template: readonly string[],
    {
      values,
      ...run
    }: Pick<ProgramRun, 'logPath' | 'signal' | 'onStart' | 'onLines'> & { readonly values: Placeholders },
  ): Promise<string> {
    const { clock, logger, environment } = this.#deps;
    const { workingDirectory, timeLimitMs, stopTimeoutMs } = this.#options;
    const [program = '', ...args] = template.map((argument) => fillPlaceholders(argument, values));
    logger.info({ program, args, logPath: run.logPath }, 'running a program');
    return runProgram({
      command: [program, ...args],
      workingDirectory,
      environment: { ...environment, ...this.#options.environment },
      timeLimitMs,
      stopTimeoutMs,
      clock,
      ...run,
    });
  }
}
