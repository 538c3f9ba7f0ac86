import { access, constants, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { ConfigError, CorruptError, messageOf, RoundError, reasonOf, StateError } from '../errors.ts';
import { createAggregator } from '../fl/aggregate/create-aggregator.ts';
import type { ServerConfiguration } from '../fl/config/server-configuration.ts';
import { participantId } from '../ids.ts';
import type { Logger } from '../logger.ts';

/** Errors: the system's; a directory is none that can be read. */
async function assertReadable(path: string): Promise<void> {
  await access(path, constants.R_OK);
  if ((await stat(path)).isDirectory())
    throw Object.assign(new Error('EISDIR: illegal operation on a directory'), { code: 'EISDIR' });
}

/** What a server begins with must be there before anybody hears of a run. Errors: ConfigError, naming the key. */
export async function assertInputsReadable({
  taskFile,
  startPoint,
}: Pick<ServerConfiguration, 'taskFile' | 'startPoint'>): Promise<void> {
  await assertReadable(taskFile).catch((cause: unknown) => {
    throw new ConfigError({
      code: 'task-missing',
      message: `task_configuration_file: ${resolve(taskFile)} cannot be read: ${reasonOf(cause)}`,
      hint: 'It holds what the training programs read, as a JSON object; {"epochs": 3} suffices for a program of your own.',
      cause,
    });
  });
  if (startPoint === null) return;
  await assertReadable(startPoint).catch((cause: unknown) => {
    throw new ConfigError({
      code: 'start-point-missing',
      message: `start_point: ${startPoint} cannot be read: ${reasonOf(cause)}`,
      hint: 'Name a checkpoint, or set start_point to null: then every client begins with its own weights.',
      cause,
    });
  });
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
