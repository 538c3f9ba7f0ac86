import { tmpdir } from 'node:os';
import type { Clock } from '../clock.ts';
import type { ClientConfiguration } from '../fl/config/client-configuration.ts';
import { createExecutor } from '../fl/executor/create-executor.ts';
import type { Executor } from '../fl/executor/executor.ts';
import type { Logger } from '../logger.ts';

interface ExecutorDependencies {
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Make the executor that a configuration names. Errors: as `createExecutor`. */
export function openExecutor(
  { executorType, executorOptions }: Pick<ClientConfiguration, 'executorType' | 'executorOptions'>,
  { clock, logger }: ExecutorDependencies,
): Promise<Executor> {
  return createExecutor(executorType, executorOptions, {
    clock,
    logger,
    environment: process.env,
    temporaryDirectory: tmpdir(),
  });
}
