import { z } from 'zod';
import { ConfigError } from '../../errors.ts';
import { boundedLines, faultText } from '../../issue-words.ts';
import { didYouMean, isSlipOf } from '../../nearest-name.ts';

/** `executor_options` of a configuration, as written. */
export type ExecutorOptions = Readonly<Record<string, unknown>>;

/** Longest time limit that may be asked for: a year. Units: seconds. */
const TIME_LIMIT_MAX_S = 366 * 24 * 3600;

const commandLine = z
  .tuple([z.string().min(1)], 'a list is expected, such as ["python3", "train.py", "{config}"]')
  .rest(z.string());

const optionsSchema = z.strictObject({
  command: commandLine.optional(),
  evaluate_command: commandLine.optional(),
  working_directory: z.string().min(1).optional(),
  environment: z.record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/), z.string()).default({}),
  time_limit: z.number().positive().max(TIME_LIMIT_MAX_S).optional(),
  stop_timeout: z.number().positive().max(3600).default(30),
  checkpoint_name: z
    .string()
    .regex(/^[^/\\]+$/, 'a file name, not a path')
    .default('*.pt'),
  result_file: z.string().min(1).optional(),
});

/** How to run a program that trains. Units: durations in milliseconds. */
export interface CommandOptions {
  /** Program and arguments for training; the placeholders of `fillPlaceholders` are replaced in each. */
  readonly command: readonly string[];
  /** The same for evaluation; null when this program cannot evaluate. */
  readonly evaluateCommand: readonly string[] | null;
  /** Where the program starts; null for this process's own directory. */
  readonly workingDirectory: string | null;
  /** Variables that are set on top of this process's own. */
  readonly environment: Readonly<Record<string, string>>;
  readonly timeLimitMs: number | null;
  /** How long after SIGTERM comes SIGKILL. */
  readonly stopTimeoutMs: number;
  /** The file name of the checkpoint to take; `*` stands for anything. */
  readonly checkpointName: string;
  /** Where the program leaves `{"samples":n,"metrics":{}}`, if it does. */
  readonly resultFile: string | null;
}

/** Judge `executor_options` of a program's executor. Errors: ConfigError 'executor-options'. */
export function parseCommandOptions(
  type: string,
  options: ExecutorOptions,
  defaultCommand: readonly string[] | null,
): CommandOptions {
  const parsed = optionsSchema.safeParse(options);
  const problems = parsed.success
    ? []
    : parsed.error.issues.map((issue) =>
        faultText(issue, options, { prefix: 'executor_options', known: Object.keys(optionsSchema.shape) }),
      );
  const command = (parsed.success ? parsed.data.command : undefined) ?? defaultCommand;
  if (parsed.success && command === null)
    problems.push(
      'executor_options.command: missing, for example ["python3", "train.py", "{config}", "{output}"]',
    );
  if (!parsed.success || command === null)
    throw new ConfigError({
      code: 'executor-options',
      message: `the options of ${type} are wrong:\n${boundedLines(problems)
        .map((problem) => `  - ${problem}`)
        .join('\n')}`,
      data: { type, problems },
    });
  const { data } = parsed;
  return {
    command,
    evaluateCommand: data.evaluate_command ?? null,
    workingDirectory: data.working_directory ?? null,
    environment: data.environment,
    timeLimitMs: data.time_limit === undefined ? null : data.time_limit * 1000,
    stopTimeoutMs: data.stop_timeout * 1000,
    checkpointName: data.checkpoint_name,
    resultFile: data.result_file ?? null,
  };
}

/** What stands for something in a training's command and result file, and in an evaluation's command. */
const TRAINING_PLACEHOLDERS = ['config', 'output', 'checkpoint', 'round', 'participant'];
const EVALUATION_PLACEHOLDERS = ['config', 'result', 'checkpoint', 'output'];

/** Errors: ConfigError 'executor-options' for a placeholder that will stand for nothing, long before it is needed. */
export function checkPlaceholders({ command, evaluateCommand, resultFile }: CommandOptions): void {
  const checked = [
    ['command', command, TRAINING_PLACEHOLDERS],
    ['result_file', resultFile === null ? [] : [resultFile], TRAINING_PLACEHOLDERS],
    ['evaluate_command', evaluateCommand ?? [], EVALUATION_PLACEHOLDERS],
  ] as const;
  for (const [key, words, known] of checked)
    for (const word of words)
      for (const [whole, name = ''] of word.matchAll(/\{([A-Za-z_-]+)\}/g)) {
        // In other letters it may be meant as it stands, for a shell or a template.
        const isMeant = /^[a-z_]+$/.test(name) || known.some((each) => isSlipOf(name, each));
        if (isMeant && !known.includes(name))
          throw unknownPlaceholder(`executor_options.${key}`, whole, known);
      }
}

/** Longer ones are cut where they are named. Units: characters. */
const PLACEHOLDER_SHOWN_MAX = 80;

function unknownPlaceholder(where: string, whole: string, known: readonly string[]): ConfigError {
  const braced = known.map((name) => `{${name}}`);
  return new ConfigError({
    code: 'executor-options',
    message: `${where}: ${whole.slice(0, PLACEHOLDER_SHOWN_MAX)} stands for nothing${didYouMean(whole, braced)}; known are ${braced.join(', ')}`,
  });
}

/** What placeholders stand for in one run of a program. */
export type Placeholders = Readonly<Record<string, string>>;

/**
 * Replace `{config}`, `{output}`, `{checkpoint}`, `{round}`, `{participant}` in an argument.
 *
 * Guarantees: replaced text is never looked at again, and no shell ever sees it.
 * Errors: ConfigError 'executor-options' for a placeholder that does not exist here.
 */
export function fillPlaceholders(argument: string, values: Placeholders): string {
  return argument.replaceAll(/\{([a-z_]+)\}/g, (whole, name: string) => {
    const value = Object.hasOwn(values, name) ? values[name] : undefined;
    if (value === undefined) throw unknownPlaceholder('executor_options', whole, Object.keys(values));
    return value;
  });
}
