import { didYouMean } from '../../nearest-name.ts';
import { commandOptionFaults, type ExecutorOptions } from './command-options.ts';

/** The built-in trainer: the "2NN" network on MNIST digits; needs no Python. */
export const BUILT_IN_TRAINER = 'mila_sync.executors.Mnist2NN';
/** kMoL itself, as another program. */
export const KMOL_EXECUTOR = 'kmol.run.Executor';
/** Any program. */
export const COMMAND_EXECUTOR = 'mila.executors.Command';

/** Names that stand for the same executor: as older texts of kMoL have it. */
export const EXECUTOR_ALIASES: Readonly<Record<string, string>> = {
  'run.Executor': KMOL_EXECUTOR,
};

export const EXECUTOR_NAMES: readonly string[] = [KMOL_EXECUTOR, COMMAND_EXECUTOR, BUILT_IN_TRAINER];

export const KMOL_COMMAND: readonly string[] = ['kmol', 'train', '{config}'];

/** The name of an executor that older texts call otherwise. */
export function canonicalExecutor(type: string): string {
  return (Object.hasOwn(EXECUTOR_ALIASES, type) ? EXECUTOR_ALIASES[type] : undefined) ?? type;
}

/** Why no executor has this name, in one line; undefined when one has. */
export function executorTypeProblem(type: string): string | undefined {
  if (EXECUTOR_NAMES.includes(canonicalExecutor(type))) return undefined;
  return `executor_type "${type}" is not known${didYouMean(type, EXECUTOR_NAMES)}`;
}

/** What is wrong with an executor's name or its options, one line each; none when it can be made. */
export function executorFaults(type: string, options: ExecutorOptions): readonly string[] {
  const problem = executorTypeProblem(type);
  if (problem !== undefined) return [`${problem}; known are ${EXECUTOR_NAMES.join(', ')}`];
  if (canonicalExecutor(type) !== BUILT_IN_TRAINER)
    return commandOptionFaults(options, canonicalExecutor(type) === KMOL_EXECUTOR ? KMOL_COMMAND : null);
  const strange = Object.keys(options);
  return strange.length === 0 ? [] : [strangeOptions(type, strange)];
}

/** What is said of options that an executor without any was given. */
export function strangeOptions(type: string, strange: readonly string[]): string {
  return `${type} takes no executor_options, but has ${strange.join(', ')}; its settings are in the task configuration`;
}
