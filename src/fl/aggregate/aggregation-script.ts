import { readFile } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import {
  type DocumentOptions,
  type ParseOptions,
  parse as parseYaml,
  type SchemaOptions,
  type ToJSOptions,
  YAMLSeq,
} from 'yaml';
import { z } from 'zod';
import { ConfigError, messageOf, reasonOf } from '../../errors.ts';
import { boundedLines, faultText } from '../../issue-words.ts';
import { unknownKeysOf, unknownKeyText } from '../config/known-keys.ts';
import { assertShallow } from '../config/yaml-depth.ts';

/** kMoL's manual aggregation, judged. */
export interface AggregationScript {
  readonly aggregatorType: string;
  readonly aggregatorOptions: Readonly<Record<string, unknown>>;
  readonly checkpointPaths: readonly string[];
  readonly savePath: string;
  /** Words about keys that were not understood. */
  readonly notes: readonly string[];
}

type Document = Record<string, unknown>;

/** The longest configuration that is read. Units: bytes. */
const BYTES_MAX = 1024 * 1024;
/** How deep `__load__` may lead from file to file. */
const LOADS_MAX = 8;
const YAML_ALIASES_MAX = 100;

const SCRIPT = z.object({
  type: z.string().default('manual_aggregation'),
  chekpoint_paths: z.array(z.string()).optional(),
  checkpoint_paths: z.array(z.string()).optional(),
  aggregator_type: z.string().default('mila.aggregators.PlainTorchAggregator'),
  aggregator_options: z.record(z.string(), z.unknown()).nullish(),
  save_path: z.string().min(1).default('data/logs/local/manual_aggregator.pt'),
});

/**
 * Read a manual aggregation: JSON or YAML, with kMoL's `!join` tags and `__load__` includes, under either spelling of
 * the checkpoints' key, with the keys below `script` or at the top.
 *
 * Errors: ConfigError 'configuration-missing' | 'configuration-malformed' | 'configuration-invalid', naming the file
 * and the key.
 */
export async function readAggregationScript(path: string): Promise<AggregationScript> {
  const document = await loadDocument(path, 0);
  const section = isDocument(document['script']) ? document['script'] : document;
  const parsed = SCRIPT.safeParse(section);
  if (!parsed.success)
    throw invalid(
      path,
      boundedLines(parsed.error.issues.map((issue) => faultText(issue, section))).join('\n  '),
    );
  const { data } = parsed;
  if (!data.type.endsWith('manual_aggregation'))
    throw invalid(path, `script.type is "${data.type}"; mila aggregate knows manual_aggregation`);
  const checkpointPaths = data.chekpoint_paths ?? data.checkpoint_paths ?? [];
  if (checkpointPaths.length === 0)
    throw invalid(path, 'chekpoint_paths (or checkpoint_paths) names no file');
  const known = Object.keys(SCRIPT.shape);
  const strange = unknownKeysOf(section, known);
  const slips = strange.filter(({ isSlip }) => isSlip);
  if (slips.length > 0) throw invalid(path, slips.map(unknownKeyText).join('\n  '));
  return {
    aggregatorType: data.aggregator_type,
    aggregatorOptions: data.aggregator_options ?? {},
    checkpointPaths,
    savePath: data.save_path,
    notes: strange.map((key) => `${path}: ${unknownKeyText(key)}`),
  };
}

function isDocument(value: unknown): value is Document {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function invalid(path: string, message: string): ConfigError {
  return new ConfigError({ code: 'configuration-invalid', message: `${path}: ${message}`, data: { path } });
}

async function loadDocument(path: string, depth: number): Promise<Document> {
  if (depth > LOADS_MAX) throw invalid(path, `__load__ leads through more than ${LOADS_MAX} files`);
  const text = await readText(path);
  let value: unknown;
  try {
    if (/\.ya?ml$/iu.test(path)) assertShallow(text);
    value = /\.ya?ml$/iu.test(path)
      ? parseYaml(text, YAML_OPTIONS)
      : JSON.parse(text.replace(/^\uFEFF/u, ''));
  } catch (cause) {
    throw new ConfigError({
      code: 'configuration-malformed',
      message: `${path} is neither JSON nor YAML by its ending: ${messageOf(cause).split('\n', 1)[0]}`,
      hint: 'A manual aggregation is a JSON or YAML file; checkpoints are combined with: mila aggregate -o OUT A.pt B.pt',
      data: { path },
      cause,
    });
  }
  if (!isDocument(value)) throw invalid(path, 'it holds no keys and values');
  const { __load__: loads, parameters: _parameters, ...own } = value;
  if (loads === undefined) return own;
  if (!Array.isArray(loads)) throw invalid(path, '__load__ is not a list of files');
  let merged: Document = {};
  for (const name of loads)
    merged = merge(merged, await loadDocument(includePath(path, String(name)), depth + 1));
  return merge(merged, own);
}

/** A bare name or one that starts with a dot is beside the file that names it; others are as they stand. */
function includePath(from: string, name: string): string {
  return name.includes('/') && !name.startsWith('.') ? resolve(name) : resolve(dirname(from), name);
}

async function readText(path: string): Promise<string> {
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    throw new ConfigError({
      code: 'configuration-missing',
      message: `${path} cannot be read: ${reasonOf(cause)}`,
      data: { path },
      cause,
    });
  }
  if (bytes.length > BYTES_MAX) throw invalid(path, `it is longer than ${BYTES_MAX} bytes`);
  return bytes.toString('utf8');
}

/** Later keys win; objects of the same `type`, or of none, are merged key by key. */
function merge(current: Document, update: Document): Document {
  const merged = new Map(Object.entries(current));
  for (const [key, value] of Object.entries(update)) {
    const old = merged.get(key);
    const isSameKind =
      isDocument(old) && isDocument(value) && (value['type'] ?? current['type']) === current['type'];
    merged.set(key, isSameKind ? merge(old, value) : value);
  }
  return Object.fromEntries(merged);
}

/** kMoL's tags, each of a list of words. */
const TAGS = {
  '!join': (words: readonly string[]) => words.join(''),
  '!path_join': (words: readonly string[]) => words.join('/'),
  '!path_join_suffix': (words: readonly string[]) =>
    [...words.slice(0, -2), `${words.at(-2) ?? ''}${words.at(-1) ?? ''}`].join('/'),
};

/** A list that becomes one word. Only when it is turned into a value are its aliases known. */
function joinedSequence(join: (words: readonly string[]) => string) {
  return class extends YAMLSeq {
    override toJSON(...context: Parameters<YAMLSeq['toJSON']>): unknown[] {
      const words = super.toJSON(...context).map(String);
      // The library's type knows lists only; a value of any kind is passed on as it is.
      return join(words) as unknown as unknown[];
    }
  };
}

const YAML_OPTIONS: ParseOptions & DocumentOptions & SchemaOptions & ToJSOptions = {
  // Its warnings would go to standard error by themselves.
  logLevel: 'error',
  maxAliasCount: YAML_ALIASES_MAX,
  customTags: Object.entries(TAGS).map(([tag, join]) => ({
    tag,
    collection: 'seq' as const,
    nodeClass: joinedSequence(join),
  })),
};

/**
 * A participant's name for each path, so that they sort in the list's order: "1:site-a.pt", "2:site-b.pt".
 */
export function participantNames(paths: readonly string[]): readonly string[] {
  const width = String(paths.length).length;
  return paths.map((path, index) => `${String(index + 1).padStart(width, '0')}:${basename(path)}`);
}

/** Weights as a list in the paths' order become weights by name. Errors: ConfigError 'bad-options'. */
export function withNamedWeights(
  options: Readonly<Record<string, unknown>>,
  paths: readonly string[],
): Readonly<Record<string, unknown>> {
  const { weights } = options;
  const names = participantNames(paths);
  if (Array.isArray(weights)) {
    if (weights.length !== paths.length)
      throw new ConfigError({
        code: 'bad-options',
        message: `aggregator_options.weights has ${weights.length} entries for ${paths.length} checkpoints`,
      });
    return { ...options, weights: Object.fromEntries(names.map((name, index) => [name, weights[index]])) };
  }
  if (!isDocument(weights)) return options;
  // By owner, as a server's configuration has them: the file's name up to its first dot.
  const byOwner = new Map(Object.entries(weights).map(([owner, weight]) => [owner.toLowerCase(), weight]));
  const named = paths.map((path, index) => {
    const owner = basename(path).split('.')[0] ?? '';
    const weight = byOwner.get(owner.toLowerCase());
    if (weight !== undefined) return [names[index] ?? '', weight] as const;
    throw new ConfigError({
      code: 'bad-options',
      message: `aggregator_options.weights has no weight for ${owner}, whose checkpoint is ${path}`,
      hint: `It names ${Object.keys(weights).join(', ') || 'nobody'}; a checkpoint belongs to its name up to the first dot.`,
    });
  });
  return { ...options, weights: Object.fromEntries(named) };
}
