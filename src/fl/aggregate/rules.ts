import { ConfigError } from '../../errors.ts';
import type { Logger } from '../../logger.ts';
import type { Metrics } from '../executor/executor.ts';
import { type DecideRule, runAggregation } from './aggregation.ts';
import type { Aggregator } from './aggregator.ts';
import { parseOptions, type RuleName } from './aggregator-options.ts';
import { type BenchmarkOptions, decideBenchmarked, scoresOf } from './benchmarked.ts';
import { decideGeometricMedian } from './geometric-median.ts';
import { aggregateLikeKmol, type DecideCompat } from './kmol-compat.ts';
import { decideKrum } from './krum.ts';
import { decideClipped } from './norm-clipping.ts';
import { assertNormsAlike } from './norm-guard.ts';
import { decideMedian, decideTrimmed } from './order-statistics.ts';
import { decideMean } from './plain.ts';
import { decideServerStep } from './server-optimizers.ts';
import type { StreamEnvironment } from './streaming.ts';
import { configuredWeights, decideWeighted, dominanceNotes, normalised, sampleWeights } from './weights.ts';

type Options = Readonly<Record<string, unknown>>;

interface RuleDependencies {
  readonly logger: Logger;
  readonly evaluate?: (checkpointPath: string, signal?: AbortSignal) => Promise<Metrics>;
  readonly statePath?: string;
  readonly environment: StreamEnvironment;
}

interface Rule {
  readonly decide: DecideRule;
  /** How kMoL itself would do it, for the rules that it has. */
  readonly compat?: DecideCompat;
  readonly updatesMin?: number;
  readonly participants?: readonly string[];
}

type MakeRule = (options: Options, dependencies: RuleDependencies) => Rule;

/** Every rule by its short name. A new one is a file of its own and a line here and in the options. */
const RULES: Readonly<Record<RuleName, MakeRule>> = {
  plain: () => ({
    decide: async ({ updates }) => decideMean(updates.length),
    compat: async () => ({ kind: 'plain' }),
  }),
  weighted: (options) => {
    const { weights } = parseOptions('weighted', options);
    return {
      participants: Object.keys(weights),
      decide: async ({ updates }) => {
        const scaled = normalised(configuredWeights(updates, weights));
        return decideWeighted(scaled.weights, [...scaled.notes, ...dominanceNotes(updates, scaled.weights)]);
      },
      compat: async (updates) => ({
        kind: 'weighted',
        // JSON does not tell 1.0 from 1: a whole number is taken for Python's int.
        weights: configuredWeights(updates, weights).map((value) => ({
          value,
          isFloat: !Number.isInteger(value),
        })),
      }),
    };
  },
  benchmarked: (options, dependencies) => {
    const benchmark = benchmarkOptions(options, dependencies);
    return {
      decide: (context) => decideBenchmarked(context, benchmark),
      compat: async (updates, where) => {
        const scores = await scoresOf({ ...where, updates }, benchmark);
        const sum = scores.reduce((total, score) => total + score, 0);
        const shares = scores.map((score) => score / sum);
        const weights = benchmark.minimized ? shares.map((share) => 1 - share) : shares;
        return { kind: 'weighted', weights: weights.map((value) => ({ value, isFloat: true })) };
      },
    };
  },
  'sample-weighted': (options) => {
    const { samples_max: samplesMax } = parseOptions('sample-weighted', options);
    return {
      decide: async ({ updates }) => {
        const { weights, notes } = sampleWeights(updates, samplesMax);
        return decideWeighted(weights, [...notes, ...dominanceNotes(updates, weights)]);
      },
    };
  },
  median: () => ({ decide: async ({ updates }) => decideMedian(updates.length) }),
  'trimmed-mean': (options) => {
    const { fraction } = parseOptions('trimmed-mean', options);
    return { decide: async ({ updates }) => decideTrimmed(updates.length, fraction) };
  },
  krum: (options) => {
    const { faulty, buffers } = parseOptions('krum', options);
    return {
      decide: (context) => decideKrum(context, { faulty, keep: 1, buffers }),
      updatesMin: 2 * faulty + 3,
    };
  },
  'multi-krum': (options) => {
    const { faulty, keep, buffers } = parseOptions('multi-krum', options);
    return {
      decide: (context) =>
        decideKrum(context, { faulty, keep: keep ?? Math.max(1, context.updates.length - faulty), buffers }),
      updatesMin: 2 * faulty + 3,
    };
  },
  'geometric-median': (options) => {
    const { iterations, smoothing, buffers } = parseOptions('geometric-median', options);
    return {
      decide: (context) => decideGeometricMedian(context, { iterationsMax: iterations, smoothing, buffers }),
    };
  },
  'norm-clipping': (options) => {
    const { norm_max: normMax, buffers } = parseOptions('norm-clipping', options);
    return { decide: (context) => decideClipped(context, { normMax: normMax ?? null, buffers }) };
  },
  'fed-avgm': (options, dependencies) => {
    const { learning_rate: learningRate, momentum, buffers } = parseOptions('fed-avgm', options);
    const statePath = statePathOf(dependencies);
    const step = {
      rule: 'avgm',
      learningRate,
      beta1: momentum,
      beta2: 0,
      tau: 1,
      buffers,
      statePath,
    } as const;
    return { decide: (context) => decideServerStep(context, step) };
  },
  'fed-adagrad': (options, dependencies) =>
    adaptive('adagrad', parseOptions('fed-adagrad', options), dependencies),
  'fed-adam': (options, dependencies) => adaptive('adam', parseOptions('fed-adam', options), dependencies),
  'fed-yogi': (options, dependencies) => adaptive('yogi', parseOptions('fed-yogi', options), dependencies),
};

interface AdaptiveOptions {
  readonly learning_rate: number;
  readonly beta_1: number;
  readonly beta_2: number;
  readonly tau: number;
  readonly buffers: readonly string[];
}

function adaptive(
  rule: 'adagrad' | 'adam' | 'yogi',
  options: AdaptiveOptions,
  dependencies: RuleDependencies,
): Rule {
  const { learning_rate: learningRate, beta_1: beta1, beta_2: beta2, tau, buffers } = options;
  const step = { rule, learningRate, beta1, beta2, tau, buffers, statePath: statePathOf(dependencies) };
  return { decide: (context) => decideServerStep(context, step) };
}

function statePathOf({ statePath }: RuleDependencies): string {
  if (statePath !== undefined) return statePath;
  throw new ConfigError({
    code: 'missing-dependency',
    message: 'a server optimiser keeps a state from round to round, and there is no place for it here',
    hint: 'Use it on a server, or give mila aggregate --state PATH.',
  });
}

function benchmarkOptions(options: Options, { evaluate }: RuleDependencies): BenchmarkOptions {
  const { target_metric: metric, minimized_metric: minimized } = parseOptions('benchmarked', options);
  if (evaluate !== undefined) return { metric, minimized, evaluate };
  throw new ConfigError({
    code: 'missing-dependency',
    message: 'a benchmarked aggregation evaluates every update, and there is no executor here',
    hint: 'Name executor_type and the task (task_configuration_file or aggregator_options.config_path).',
  });
}

/** The aggregator of a rule. Errors: ConfigError 'bad-options' | 'missing-dependency'. */
export function ruleAggregator(name: RuleName, options: Options, dependencies: RuleDependencies): Aggregator {
  const { compat, norm_limit: normLimit, buffers } = parseOptions(name, options);
  const rule = RULES[name](options, dependencies);
  const { environment, logger } = dependencies;
  const members = rule.participants === undefined ? {} : { participants: rule.participants };
  if (compat !== undefined) {
    const { compat: decide } = rule;
    if (decide === undefined)
      throw new ConfigError({ code: 'bad-options', message: `kMoL has no ${name}: compat cannot be used` });
    return {
      ...members,
      aggregate: (inputs, outputPath, given = {}) =>
        aggregateLikeKmol({ inputs, outputPath, options: given, decide }),
    };
  }
  return {
    ...members,
    aggregate: (inputs, outputPath, given = {}) =>
      runAggregation({
        inputs,
        outputPath,
        options: given,
        environment,
        logger,
        ...(rule.updatesMin === undefined ? {} : { updatesMin: rule.updatesMin }),
        decide: async (context) => {
          if (normLimit !== undefined) await assertNormsAlike(context, normLimit, buffers);
          return rule.decide(context);
        },
      }),
  };
}
