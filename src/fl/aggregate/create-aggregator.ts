import { ConfigError } from '../../errors.ts';
import { type Logger, silentLogger } from '../../logger.ts';
import { nearestKey } from '../config/known-keys.ts';
import type { Metrics } from '../executor/executor.ts';
import type { Aggregator } from './aggregator.ts';
import { DOTTED_NAMES, OPTION_SCHEMAS, ruleNamed } from './aggregator-options.ts';
import { ruleAggregator } from './rules.ts';
import type { StreamEnvironment } from './streaming.ts';
import { findUserAggregator, loadUserAggregator } from './user-aggregator.ts';

/** What aggregators may need from the outside. */
export interface AggregatorDependencies {
  /** Default: says nothing. */
  readonly logger?: Logger;
  /** Evaluate a checkpoint, for rules that weigh by a metric. */
  readonly evaluate?: (checkpointPath: string, signal?: AbortSignal) => Promise<Metrics>;
  /** Start of the names under which a server optimiser keeps its state from round to round. */
  readonly statePath?: string;
  /** Where relative paths of a user's module start. Default: the current directory. */
  readonly baseDirectory?: string;
  /** Default: two threads, vectors, checksums verified. */
  readonly environment?: Partial<StreamEnvironment>;
}

/** More threads than this only wait for memory. */
const THREADS_DEFAULT = 2;

/**
 * Make the aggregator that a configuration names: by kMoL's dotted name, by a short name, or from a module of the user's
 * own, dotted (`folder.file.export`) or as `folder/file.mjs:export`.
 *
 * Errors: ConfigError 'unknown-aggregator' | 'bad-options' | 'missing-dependency', naming what is allowed.
 */
export async function createAggregator(
  type: string,
  options: Readonly<Record<string, unknown>> = {},
  dependencies: AggregatorDependencies = {},
): Promise<Aggregator> {
  const name = ruleNamed(type);
  const given = { logger: silentLogger, ...dependencies };
  if (name === undefined) {
    const place = await findUserAggregator(type, dependencies.baseDirectory ?? '.');
    if (place === undefined) throw unknownAggregator(type);
    return loadUserAggregator(place, options, given);
  }
  const environment: StreamEnvironment = {
    threads: THREADS_DEFAULT,
    vectors: true,
    checksums: 'verify',
    ...dependencies.environment,
  };
  return ruleAggregator(name, options, { ...given, environment });
}

/** What is said of a name that no rule and no module of the user's own has. */
export function unknownAggregator(type: string): ConfigError {
  const known = [...Object.keys(DOTTED_NAMES), ...Object.keys(OPTION_SCHEMAS)];
  const nearest = nearestKey(type, known);
  return new ConfigError({
    code: 'unknown-aggregator',
    message: `aggregator_type is "${type}", which is no aggregator${nearest === undefined ? '' : `; did you mean ${nearest}?`}`,
    hint: `Known: ${known.join(', ')}; or one of your own: folder.file.export for folder/file.mjs, or folder/file.mjs:export.`,
  });
}
