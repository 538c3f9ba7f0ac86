import { access, constants, stat } from 'node:fs/promises';
import { isAbsolute } from 'node:path';
import {
  ConfigError,
  CorruptError,
  errnoOf,
  messageOf,
  RoundError,
  reasonOf,
  StateError,
} from '../errors.ts';
import { createAggregator } from '../fl/aggregate/create-aggregator.ts';
import { unusable } from '../fl/config/parse.ts';
import type { ServerConfiguration } from '../fl/config/server-configuration.ts';
import { readTask } from '../fl/transport/task-file.ts';
import { participantId } from '../ids.ts';
import type { Logger } from '../logger.ts';

/** Why a file that a key names cannot be read, as a sentence about the key; undefined when it can. */
async function fileProblem(
  key: string,
  path: string,
): Promise<{ message: string; cause: unknown } | undefined> {
  try {
    await access(path, constants.R_OK);
    if ((await stat(path)).isDirectory())
      throw Object.assign(new Error('EISDIR: illegal operation on a directory'), { code: 'EISDIR' });
    return undefined;
  } catch (cause) {
    const where = isAbsolute(path) ? '' : ` in ${process.cwd()}`;
    const isMissing = errnoOf(cause) === 'ENOENT';
    const why = isMissing ? `does not exist${where}` : `cannot be read: ${reasonOf(cause)}`;
    return { message: `${key}: ${path} ${why}`, cause };
  }
}

/** What is wrong with the file of the task: no file, or none that clients can read. */
export async function taskProblem(path: string): Promise<ConfigError | undefined> {
  const problem = await fileProblem('task_configuration_file', path);
  if (problem !== undefined)
    return new ConfigError({
      code: 'task-missing',
      ...problem,
      hint: 'It holds what the training programs read, as a JSON object; {"epochs": 3} suffices for a program of your own.',
    });
  return readTask(path).then(
    () => undefined,
    (error: unknown) => {
      if (error instanceof ConfigError) return error;
      throw error;
    },
  );
}

/** What is wrong with the file of the start point, unopened. */
export async function startPointProblem(path: string): Promise<ConfigError | undefined> {
  const problem = await fileProblem('start_point', path);
  if (problem === undefined) return undefined;
  return new ConfigError({
    code: 'start-point-missing',
    ...problem,
    hint: 'Name a checkpoint, or set start_point to null: then every client begins with its own weights.',
  });
}

/** What a server begins with must be there before anybody hears of a run. Errors: ConfigError, naming the keys. */
export async function assertInputsReadable({
  path,
  taskFile,
  startPoint,
}: Pick<ServerConfiguration, 'path' | 'taskFile' | 'startPoint'>): Promise<void> {
  const task = await taskProblem(taskFile);
  const start = startPoint === null ? undefined : await startPointProblem(startPoint);
  if (task !== undefined && start !== undefined) throw unusable(path, [task.message, start.message]);
  const problem = task ?? start;
  if (problem !== undefined) throw problem;
}

/**
 * A start point is published as exactly its model: the mean of one.
 *
 * Errors: ConfigError 'start-point-unusable' for what is no checkpoint with a model.
 */
export async function stripStartPoint(logger: Logger, source: string, output: string): Promise<void> {
  const plain = await createAggregator('mila.aggregators.PlainTorchAggregator', {}, { logger });
  const input = { participant: participantId('start_point'), path: source, samples: null };
  await plain.aggregate([input], output).catch((cause: unknown) => {
    if (![RoundError, CorruptError, StateError].some((kind) => cause instanceof kind)) throw cause;
    throw new ConfigError({
      code: 'start-point-unusable',
      message: `start_point: ${source} is no checkpoint to begin with: ${messageOf(cause)}`,
      hint: 'It must hold the weights under "model", as torch.save({"model": model.state_dict()}, path) writes them.',
      cause,
    });
  });
}
