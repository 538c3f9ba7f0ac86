import type { Clock } from '../../clock.ts';
import { ConfigError } from '../../errors.ts';
import type { Logger } from '../../logger.ts';
import { didYouMean } from '../../nearest-name.ts';
import { CommandExecutor } from './command-executor.ts';
import { type ExecutorOptions, parseCommandOptions } from './command-options.ts';
import type { Executor } from './executor.ts';

/** What executors need of the world. */
export interface ExecutorDependencies {
  readonly clock: Clock;
  readonly logger: Logger;
  /** This process's variables, for programs that are started. */
  readonly environment: NodeJS.ProcessEnv;
  /** Where short-lived files may stand. */
  readonly temporaryDirectory: string;
}

/** The built-in trainer: the "2NN" network on MNIST digits; needs no Python. */
export const BUILT_IN_TRAINER = 'mila_sync.executors.Mnist2NN';
/** kMoL itself, as another program. */
export const KMOL_EXECUTOR = 'kmol.run.Executor';
/** Any program. */
export const COMMAND_EXECUTOR = 'mila.executors.Command';

/** Names that stand for the same executor: as older texts of kMoL have it. */
const ALIASES: Readonly<Record<string, string>> = {
  'run.Executor': KMOL_EXECUTOR,
};

const KNOWN = [KMOL_EXECUTOR, COMMAND_EXECUTOR, BUILT_IN_TRAINER];

const KMOL_COMMAND = ['kmol', 'train', '{config}'];

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
  switch (ALIASES[type] ?? type) {
    case BUILT_IN_TRAINER: {
      const strange = Object.keys(options);
      if (strange.length > 0)
        throw new ConfigError({
          code: 'executor-options',
          message: `${type} takes no executor_options, but has ${strange.join(', ')}; its settings are in the task configuration`,
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
        message: `executor_type "${type}" is not known${didYouMean(type, KNOWN)}`,
        hint: `Known are ${KNOWN.join(', ')}. Any program can be run by ${COMMAND_EXECUTOR}.`,
        data: { type },
      });
  }
}
