import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../clock.ts';
import { ConfigError, reasonOf } from '../errors.ts';
import type { Aggregator } from '../fl/aggregate/aggregator.ts';
import { type AggregatorDependencies, createAggregator } from '../fl/aggregate/create-aggregator.ts';
import type { ServerConfiguration } from '../fl/config/server-configuration.ts';
import type { Executor, TaskConfiguration } from '../fl/executor/executor.ts';
import type { Logger } from '../logger.ts';
import { openExecutor } from './executor-factory.ts';

interface AggregatorSurroundings {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Ends an evaluation that is under way. */
  readonly signal: AbortSignal;
}

async function taskOf(path: string): Promise<TaskConfiguration> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as TaskConfiguration;
  } catch (error) {
    throw new ConfigError({
      code: 'task-malformed',
      message: `the task file ${path} cannot be read as JSON: ${reasonOf(error)}`,
      cause: error,
    });
  }
}

/** Evaluates checkpoints by the server's executor; undefined where the configuration names none. */
function evaluatorOf(
  configuration: ServerConfiguration,
  surroundings: AggregatorSurroundings,
): { open(): Promise<unknown>; evaluate: NonNullable<AggregatorDependencies['evaluate']> } | undefined {
  const { executorType, executorOptions, taskFile, aggregatorOptions } = configuration;
  // The task's own test data would choose the model that it is to judge later.
  const { config_path: validation = taskFile } = aggregatorOptions;
  if (executorType === null) return undefined;
  let opened: Promise<Executor> | undefined;
  const open = () => {
    opened ??= openExecutor({ executorType, executorOptions }, surroundings);
    return opened;
  };
  return {
    open,
    evaluate: async (checkpointPath, signal = surroundings.signal) =>
      (await open()).evaluate({ configuration: await taskOf(String(validation)), checkpointPath, signal }),
  };
}

/** Make the aggregator that a server's configuration names. Errors: as `createAggregator` and `createExecutor`. */
export async function openAggregator(
  configuration: ServerConfiguration,
  surroundings: AggregatorSurroundings,
): Promise<Aggregator> {
  const { aggregatorType, aggregatorOptions, savePath } = configuration;
  // kMoL's configurations name an executor that its server never uses: it is made when it is needed, which for a rule
  // that evaluates is at once, so that a wrong name is told before a round begins.
  const evaluator = evaluatorOf(configuration, surroundings);
  if (/benchmark/i.test(aggregatorType)) await evaluator?.open();
  return createAggregator(aggregatorType, aggregatorOptions, {
    logger: surroundings.logger,
    statePath: join(savePath, 'optimizer'),
    ...(evaluator === undefined ? {} : { evaluate: evaluator.evaluate }),
  });
}
