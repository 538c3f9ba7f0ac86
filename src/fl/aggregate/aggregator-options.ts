import { z } from 'zod';
import { ConfigError } from '../../errors.ts';
import { boundedLines, faultText } from '../../issue-words.ts';
import { SAMPLES_MAX_DEFAULT } from './weights.ts';

const weight = z.number().nonnegative();
const buffers = z.array(z.string()).default([]);
const positive = z.number().positive();

/** Options that every rule takes. */
const common = {
  /** 'kmol': the reference's results bit for bit, quirks included. */
  compat: z.literal('kmol').optional(),
  /** Refuse updates whose step is longer than this many times the median of the round. */
  norm_limit: z.number().gt(1).optional(),
  buffers,
};

const adaptive = {
  learning_rate: positive.default(1),
  beta_1: z.number().min(0).lt(1),
  beta_2: z.number().min(0).lt(1).default(0.99),
  tau: positive.default(0.001),
};

/** Options of every aggregator, by its short name. Unknown keys are refused: a misspelt one would change a model. */
export const OPTION_SCHEMAS = {
  plain: z.strictObject(common),
  weighted: z.strictObject({
    ...common,
    weights: z
      .record(z.string(), weight)
      .refine(
        (weights) => Object.values(weights).some((value) => value > 0),
        'at least one weight above 0 is expected',
      ),
  }),
  benchmarked: z.strictObject({
    ...common,
    target_metric: z.string().min(1),
    minimized_metric: z.boolean().default(false),
    // kMoL's way of naming the evaluation; here the executor is given by the program, which reads these.
    config_type: z.string().optional(),
    config_path: z.string().optional(),
    executor_type: z.string().optional(),
  }),
  'sample-weighted': z.strictObject({
    ...common,
    samples_max: z.int().min(1).default(SAMPLES_MAX_DEFAULT),
  }),
  median: z.strictObject(common),
  'trimmed-mean': z.strictObject({ ...common, fraction: z.number().min(0).lt(0.5).default(0.1) }),
  krum: z.strictObject({ ...common, faulty: z.int().min(0).default(0) }),
  'multi-krum': z.strictObject({
    ...common,
    faulty: z.int().min(0).default(0),
    keep: z.int().min(1).optional(),
  }),
  'geometric-median': z.strictObject({
    ...common,
    iterations: z.int().min(1).max(1000).default(100),
    smoothing: positive.default(1e-6),
  }),
  'norm-clipping': z.strictObject({ ...common, norm_max: positive.optional() }),
  'fed-avgm': z.strictObject({
    ...common,
    learning_rate: positive.default(1),
    momentum: z.number().min(0).lt(1).default(0.9),
  }),
  'fed-adagrad': z.strictObject({ ...common, ...adaptive, beta_1: adaptive.beta_1.default(0) }),
  'fed-adam': z.strictObject({ ...common, ...adaptive, beta_1: adaptive.beta_1.default(0.9) }),
  'fed-yogi': z.strictObject({ ...common, ...adaptive, beta_1: adaptive.beta_1.default(0.9) }),
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

/** Errors: ConfigError 'bad-options', naming the key, what was found and what is allowed. */
export function parseOptions<Name extends RuleName>(
  name: Name,
  options: Readonly<Record<string, unknown>>,
): RuleOptions<Name> {
  const parsed = OPTION_SCHEMAS[name].safeParse(options);
  if (parsed.success) return parsed.data as RuleOptions<Name>;
  const known = Object.keys(OPTION_SCHEMAS[name].shape);
  const lines = parsed.error.issues.map((issue) =>
    faultText(issue, options, { prefix: 'aggregator_options', known }),
  );
  throw new ConfigError({
    code: 'bad-options',
    message: boundedLines(lines).join('\n  '),
    hint: `The options of ${name} are ${known.join(', ')}.`,
  });
}
