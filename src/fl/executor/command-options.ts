import { z } from 'zod';
import { ConfigError } from '../../errors.ts';
import { boundedLines, faultText } from '../../issue-words.ts';
import { didYouMean, isSlipOf } from '../../nearest-name.ts';
import { key } from '../config/key.ts';

/** `executor_options` of a configuration, as written. */
export type ExecutorOptions = Readonly<Record<string, unknown>>;

/** Longest time limit that may be asked for: a year. Units: seconds. */
const TIME_LIMIT_MAX_S = 366 * 24 * 3600;

const commandLine = z
  .tuple([z.string().min(1)], 'a list is expected, such as ["python3", "train.py", "{config}"]')
  .rest(z.string());

/** `executor_options` of an executor that runs a program, as people write them. */
export const COMMAND_OPTIONS = z.strictObject({
  command: key(
    commandLine.optional(),
    'The executor trains by this program with these arguments; no shell is between. {config}, {output}, {checkpoint}, {round} and {participant} stand for paths and facts of the round.',
    {
      absent: '["kmol", "train", "{config}"] for kMoL; mila.executors.Command needs it',
      examples: [['python3', 'train.py', '{config}', '{output}']],
    },
  ),
  evaluate_command: key(
    commandLine.optional(),
    'The executor evaluates by this program, which writes its metrics to the path {result}; {config}, {checkpoint} and {output} stand for paths too.',
    { absent: 'no evaluation', examples: [['python3', 'evaluate.py', '{config}', '{result}']] },
  ),
  working_directory: key(z.string().min(1).optional(), 'The program starts in this folder.', {
    absent: 'the folder in which the client was started',
    examples: ['/home/lab/model'],
  }),
  environment: key(
    z.record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/), z.string()).default({}),
    "The program gets these variables on top of the client's own.",
    { examples: [{ CUDA_VISIBLE_DEVICES: '0' }] },
  ),
  time_limit: key(
    z.number().positive().max(TIME_LIMIT_MAX_S).optional(),
    'A training that takes longer counts as failed.',
    { unit: 'seconds', absent: 'no limit', examples: [86_400] },
  ),
  stop_timeout: key(
    z.number().positive().max(3600).default(30),
    'A program that is told to stop (SIGTERM) is ended by force (SIGKILL) after this time.',
    { unit: 'seconds' },
  ),
  checkpoint_name: key(
    z
      .string()
      .regex(/^[^/\\]+$/, 'a file name, not a path')
      .default('*.pt'),
    'The executor takes the newest checkpoint of this file name; * stands for anything.',
  ),
  result_file: key(
    z.string().min(1).optional(),
    'The program leaves {"samples": n, "metrics": {"loss": x}} in this file, named from the output folder.',
    { absent: 'no samples and no metrics', examples: ['result.json'] },
  ),
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

/** What is wrong with the options of a program's executor, one line each; none when they can be used. */
export function commandOptionFaults(
  options: ExecutorOptions,
  defaultCommand: readonly string[] | null,
): readonly string[] {
  const parsed = COMMAND_OPTIONS.safeParse(options);
  const known = Object.keys(COMMAND_OPTIONS.shape);
  const missing =
    options['command'] === undefined && defaultCommand === null
      ? ['executor_options.command: missing, for example ["python3", "train.py", "{config}", "{output}"]']
      : [];
  if (!parsed.success)
    return [
      ...parsed.error.issues.map((issue) => faultText(issue, options, { prefix: 'executor_options', known })),
      ...missing,
    ];
  const { command, evaluate_command: evaluateCommand, result_file: resultFile } = parsed.data;
  const templates = { command: command ?? [], evaluateCommand, resultFile };
  return [...missing, ...placeholderProblems(templates).map(({ message }) => message)];
}

/** Judge `executor_options` of a program's executor. Errors: ConfigError 'executor-options'. */
export function parseCommandOptions(
  type: string,
  options: ExecutorOptions,
  defaultCommand: readonly string[] | null,
): CommandOptions {
  const parsed = COMMAND_OPTIONS.safeParse(options);
  const command = (parsed.success ? parsed.data.command : undefined) ?? defaultCommand;
  if (!parsed.success || command === null) {
    const problems = commandOptionFaults(options, defaultCommand);
    throw new ConfigError({
      code: 'executor-options',
      message: `the options of ${type} are wrong:\n${boundedLines(problems)
        .map((problem) => `  - ${problem}`)
        .join('\n')}`,
      data: { type, problems },
    });
  }
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

interface Templates {
  readonly command: readonly string[];
  readonly evaluateCommand?: readonly string[] | null | undefined;
  readonly resultFile?: string | null | undefined;
}

/** Placeholders that will stand for nothing, in the order in which they stand. */
function placeholderProblems({ command, evaluateCommand, resultFile }: Templates): readonly ConfigError[] {
  const checked = [
    ['command', command, TRAINING_PLACEHOLDERS],
    ['result_file', [resultFile ?? ''], TRAINING_PLACEHOLDERS],
    ['evaluate_command', evaluateCommand ?? [], EVALUATION_PLACEHOLDERS],
  ] as const;
  const isMeant = (name: string, known: readonly string[]) =>
    // In other letters it may be meant as it stands, for a shell or a template.
    /^[a-z_]+$/.test(name) || known.some((each) => isSlipOf(name, each));
  return checked.flatMap(([name, words, known]) =>
    words.flatMap((word) =>
      [...word.matchAll(/\{([A-Za-z_-]+)\}/g)]
        .filter(([, found = '']) => isMeant(found, known) && !known.includes(found))
        .map(([whole]) => unknownPlaceholder(`executor_options.${name}`, whole, known)),
    ),
  );
}

/** Errors: ConfigError 'executor-options' for a placeholder that will stand for nothing, long before it is needed. */
export function checkPlaceholders(options: CommandOptions): void {
  const [problem] = placeholderProblems(options);
  if (problem !== undefined) throw problem;
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
