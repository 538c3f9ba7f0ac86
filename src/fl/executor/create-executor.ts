import type { Clock } from '../../clock.ts';
import { ConfigError } from '../../errors.ts';
import type { Logger } from '../../logger.ts';
import { CommandExecutor } from './command-executor.ts';
import { type ExecutorOptions, parseCommandOptions } from './command-options.ts';
import type { Executor } from './executor.ts';
import {
  BUILT_IN_TRAINER,
  COMMAND_EXECUTOR,
  canonicalExecutor,
  EXECUTOR_NAMES,
  executorTypeProblem,
  KMOL_COMMAND,
  KMOL_EXECUTOR,
  strangeOptions,
} from './executor-names.ts';

/** What executors need of the world. */
export interface ExecutorDependencies {
  readonly clock: Clock;
  readonly logger: Logger;
  /** This process's variables, for programs that are started. */
  readonly environment: NodeJS.ProcessEnv;
  /** Where short-lived files may stand. */
  readonly temporaryDirectory: string;
}

function commandExecutor(
  type: string,
  options: ExecutorOptions,
  { defaultCommand, ...deps }: ExecutorDependencies & { readonly defaultCommand: readonly string[] | null },
): Executor {
  return new CommandExecutor({ ...deps, options: parseCommandOptions(type, options, defaultCommand) });
}

/**
 * Make the executor that `executor_type` names.
 *
 * Errors: ConfigError 'executor-unknown' with the known names; ConfigError 'executor-options'.
 */
export async function createExecutor(
  type: string,
  options: ExecutorOptions,
  deps: ExecutorDependencies,
): Promise<Executor> {
  switch (canonicalExecutor(type)) {
    case BUILT_IN_TRAINER: {
      const strange = Object.keys(options);
      if (strange.length > 0)
        throw new ConfigError({
          code: 'executor-options',
          message: strangeOptions(type, strange),
        });
      // Loaded only when asked for: most participants train with another program.
      const { MnistExecutor } = await import('./mnist/mnist-executor.ts');
      return new MnistExecutor({ clock: deps.clock });
    }
    case KMOL_EXECUTOR:
      return commandExecutor(type, options, { ...deps, defaultCommand: KMOL_COMMAND });
    case COMMAND_EXECUTOR:
      return commandExecutor(type, options, { ...deps, defaultCommand: null });
    default:
      throw new ConfigError({
        code: 'executor-unknown',
        message: executorTypeProblem(type) ?? '',
        hint: `Known are ${EXECUTOR_NAMES.join(', ')}. Any program can be run by ${COMMAND_EXECUTOR}.`,
        data: { type },
      });
  }
}
