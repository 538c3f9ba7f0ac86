import { z } from 'zod';
import { ConfigError } from '../../errors.ts';
import { boundedLines, faultText } from '../../issue-words.ts';
import { key } from '../config/key.ts';
import { SAMPLES_MAX_DEFAULT } from './weights.ts';

const weight = z.number().nonnegative();
const positive = z.number().positive();

/** Options that every rule takes. */
const common = {
  compat: key(
    z.literal('kmol').optional(),
    "With kmol the rule gives kMoL's results bit for bit, quirks included; plain, weighted and benchmarked take it.",
    { absent: "this program's own arithmetic" },
  ),
  norm_limit: key(
    z.number().gt(1).optional(),
    'The rule refuses an update whose step is longer than this many times the median of the round.',
    { unit: 'times the median', absent: 'no update is refused for its length', examples: [10] },
  ),
  buffers: key(
    z.array(z.string()).default([]),
    'These names, or endings of names, belong to tensors that no optimiser trains; those of BatchNorm are known without it.',
    { examples: [['ema.decay']] },
  ),
};

const LEARNING_RATE = 'The server takes the mean step times this.';
const MOMENTUM = 'The server keeps this share of its earlier steps';
const learningRate = key(positive.default(1), LEARNING_RATE);
const share = z.number().min(0).lt(1);
const firstMoment = (fallback: number) =>
  key(share.default(fallback), `${MOMENTUM} (first moment).`, { unit: 'share, below 1' });
const faulty = key(z.int().min(0).default(0), 'So many updates of a round may be arbitrary (f).', {
  unit: 'updates',
});

const adaptive = {
  learning_rate: learningRate,
  beta_2: key(share.default(0.99), `${MOMENTUM}, squared (second moment).`, { unit: 'share, below 1' }),
  tau: key(positive.default(0.001), 'This keeps the adaptive step from growing without bound.'),
};

const benchmark = {
  target_metric: key(z.string().min(1), 'The executor evaluates each update by this metric.', {
    examples: ['accuracy'],
  }),
  minimized_metric: key(z.boolean().default(false), 'A smaller value of the metric is better.'),
  // kMoL's way of naming the evaluation; here the executor is given by the program, which reads these.
  config_path: key(
    z.string().optional(),
    'This file holds the task of the evaluation, with validation data of its own.',
    { absent: 'task_configuration_file', examples: ['validation.json'] },
  ),
  config_type: key(z.string().optional(), "kMoL's server reads this class name; here it has no effect."),
  executor_type: key(
    z.string().optional(),
    'This executor evaluates when `mila aggregate` runs the rule by hand; a server uses its own executor_type.',
  ),
};

/** Options of every aggregator, by its short name. Unknown keys are refused: a misspelt one would change a model. */
export const OPTION_SCHEMAS = {
  plain: z.strictObject(common),
  weighted: z.strictObject({
    ...common,
    weights: key(
      z
        .record(z.string(), weight)
        .refine(
          (weights) => Object.values(weights).some((value) => value > 0),
          'at least one weight above 0 is expected',
        ),
      'Each participant counts with its weight; at least one is above 0.',
      { examples: [{ 'lab-a': 0.8, 'lab-b': 0.2 }] },
    ),
  }),
  benchmarked: z.strictObject({ ...common, ...benchmark }),
  'sample-weighted': z.strictObject({
    ...common,
    samples_max: key(
      z.int().min(1).default(SAMPLES_MAX_DEFAULT),
      'The rule refuses an update that tells of more training samples.',
      { unit: 'samples' },
    ),
  }),
  median: z.strictObject(common),
  'trimmed-mean': z.strictObject({
    ...common,
    fraction: key(
      z.number().min(0).lt(0.5).default(0.1),
      'The rule drops this share of the values of each element at either end.',
      { unit: 'share, below 0.5' },
    ),
  }),
  krum: z.strictObject({ ...common, faulty }),
  'multi-krum': z.strictObject({
    ...common,
    faulty,
    keep: key(z.int().min(1).optional(), 'The rule averages so many updates.', {
      unit: 'updates',
      absent: 'the updates of the round less faulty',
    }),
  }),
  'geometric-median': z.strictObject({
    ...common,
    iterations: key(
      z.int().min(1).max(1000).default(100),
      'The rule comes nearer to the median at most so often.',
      { unit: 'steps' },
    ),
    smoothing: key(positive.default(1e-6), 'A distance counts as at least this, so that none is 0.'),
  }),
  'norm-clipping': z.strictObject({
    ...common,
    norm_max: key(positive.optional(), 'The rule shortens longer steps to this length.', {
      absent: 'the median length of the round',
    }),
  }),
  'fed-avgm': z.strictObject({
    ...common,
    learning_rate: learningRate,
    momentum: key(share.default(0.9), `${MOMENTUM}.`, { unit: 'share, below 1' }),
  }),
  'fed-adagrad': z.strictObject({ ...common, ...adaptive, beta_1: firstMoment(0) }),
  'fed-adam': z.strictObject({ ...common, ...adaptive, beta_1: firstMoment(0.9) }),
  'fed-yogi': z.strictObject({ ...common, ...adaptive, beta_1: firstMoment(0.9) }),
} as const;

export type RuleName = keyof typeof OPTION_SCHEMAS;
export type RuleOptions<Name extends RuleName> = z.output<(typeof OPTION_SCHEMAS)[Name]>;

/** The dotted names of configurations, kMoL's own first. */
export const DOTTED_NAMES: Readonly<Record<string, RuleName>> = {
  'mila.aggregators.PlainTorchAggregator': 'plain',
  'mila.aggregators.WeightedTorchAggregator': 'weighted',
  'mila.aggregators.BenchmarkedTorchAggregator': 'benchmarked',
  'mila.aggregators.SampleWeightedAggregator': 'sample-weighted',
  'mila.aggregators.MedianAggregator': 'median',
  'mila.aggregators.TrimmedMeanAggregator': 'trimmed-mean',
  'mila.aggregators.KrumAggregator': 'krum',
  'mila.aggregators.MultiKrumAggregator': 'multi-krum',
  'mila.aggregators.GeometricMedianAggregator': 'geometric-median',
  'mila.aggregators.NormClippingAggregator': 'norm-clipping',
  'mila.aggregators.FedAvgMAggregator': 'fed-avgm',
  'mila.aggregators.FedAdagradAggregator': 'fed-adagrad',
  'mila.aggregators.FedAdamAggregator': 'fed-adam',
  'mila.aggregators.FedYogiAggregator': 'fed-yogi',
};

/** The rule that a dotted or a short name means; undefined when it is neither. */
export function ruleNamed(type: string): RuleName | undefined {
  if (Object.hasOwn(OPTION_SCHEMAS, type)) return type as RuleName;
  return Object.hasOwn(DOTTED_NAMES, type) ? DOTTED_NAMES[type] : undefined;
}

/** The rules that kMoL has too, and that can therefore give its results bit for bit. */
export const KMOL_RULES: readonly RuleName[] = ['plain', 'weighted', 'benchmarked'];

/** What is wrong with a rule's options, one line each; none when they can be used. */
export function optionFaults(name: RuleName, options: Readonly<Record<string, unknown>>): readonly string[] {
  const parsed = OPTION_SCHEMAS[name].safeParse(options);
  const known = Object.keys(OPTION_SCHEMAS[name].shape);
  const faults = (parsed.error?.issues ?? []).map((issue) =>
    faultText(issue, options, { prefix: 'aggregator_options', known }),
  );
  const isForeign = options['compat'] !== undefined && !KMOL_RULES.includes(name);
  return isForeign ? [...faults, `kMoL has no ${name}: compat cannot be used`] : faults;
}

/** Errors: ConfigError 'bad-options', naming the key, what was found and what is allowed. */
export function parseOptions<Name extends RuleName>(
  name: Name,
  options: Readonly<Record<string, unknown>>,
): RuleOptions<Name> {
  const parsed = OPTION_SCHEMAS[name].safeParse(options);
  if (parsed.success) return parsed.data as RuleOptions<Name>;
  throw new ConfigError({
    code: 'bad-options',
    message: boundedLines(optionFaults(name, options)).join('\n  '),
    hint: `The options of ${name} are ${Object.keys(OPTION_SCHEMAS[name].shape).join(', ')}.`,
  });
}
