import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ConfigError, messageOf } from '../../errors.ts';
import type { Logger } from '../../logger.ts';
import type { Metrics } from '../executor/executor.ts';
import type { Aggregator } from './aggregator.ts';
import { DOTTED_NAMES, OPTION_SCHEMAS, ruleNamed } from './aggregator-options.ts';
import { ruleAggregator } from './rules.ts';
import type { StreamEnvironment } from './streaming.ts';

/** What aggregators may need from the outside. */
export interface AggregatorDependencies {
  readonly logger: Logger;
  /** Evaluate a checkpoint, for rules that weigh by a metric. */
  readonly evaluate?: (checkpointPath: string, signal?: AbortSignal) => Promise<Metrics>;
  /** Start of the names under which a server optimiser keeps its state from round to round. */
  readonly statePath?: string;
  /** Where relative paths of a user's module start. Default: the current directory. */
  readonly baseDirectory?: string;
  /** Default: two threads, vectors, checksums verified. */
  readonly environment?: Partial<StreamEnvironment>;
}

/** A user's module exports a function of this form. */
export type AggregatorFactory = (
  options: Readonly<Record<string, unknown>>,
  dependencies: AggregatorDependencies,
) => Aggregator | Promise<Aggregator>;

/** More threads than this only wait for memory. */
const THREADS_DEFAULT = 2;

/**
 * Make the aggregator that a configuration names: by kMoL's dotted name, by a short name, or as `file.mjs:export` from
 * a module of the user's own.
 *
 * Errors: ConfigError 'unknown-aggregator' | 'bad-options' | 'missing-dependency', naming what is allowed.
 */
export async function createAggregator(
  type: string,
  options: Readonly<Record<string, unknown>>,
  dependencies: AggregatorDependencies,
): Promise<Aggregator> {
  const module = /^(?<path>.+\.[cm]?js):(?<name>[A-Za-z_$][\w$]*)$/u.exec(type)?.groups;
  if (module?.['path'] !== undefined && module['name'] !== undefined) {
    const path = resolve(dependencies.baseDirectory ?? '.', module['path']);
    const factory = await loadFactory(path, module['name']);
    return factory(options, dependencies);
  }
  const name = ruleNamed(type);
  if (name === undefined)
    throw new ConfigError({
      code: 'unknown-aggregator',
      message: `aggregator_type is "${type}", which is no aggregator`,
      hint: `Known: ${Object.keys(DOTTED_NAMES).join(', ')}; the short names ${Object.keys(OPTION_SCHEMAS).join(', ')}; or file.mjs:export.`,
    });
  const environment: StreamEnvironment = {
    threads: THREADS_DEFAULT,
    vectors: true,
    checksums: 'verify',
    ...dependencies.environment,
  };
  return ruleAggregator(name, options, { ...dependencies, environment });
}

async function loadFactory(path: string, name: string): Promise<AggregatorFactory> {
  let loaded: Readonly<Record<string, unknown>>;
  try {
    loaded = (await import(pathToFileURL(path).href)) as Readonly<Record<string, unknown>>;
  } catch (error) {
    throw new ConfigError({
      code: 'unknown-aggregator',
      message: `aggregator_type names the module ${path}, which cannot be loaded: ${messageOf(error)}`,
      cause: error,
    });
  }
  const factory = loaded[name];
  if (typeof factory === 'function') return factory as AggregatorFactory;
  throw new ConfigError({
    code: 'unknown-aggregator',
    message: `aggregator_type names ${name} of ${path}, which is not a function that it exports`,
    hint: `It exports ${Object.keys(loaded).join(', ') || 'nothing'}.`,
  });
}
