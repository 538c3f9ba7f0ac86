import { readdir, readFile } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { parseDocument } from 'yaml';
import { ConfigError, errnoOf, messageOf, reasonOf } from '../../errors.ts';
import { didYouMean } from '../../nearest-name.ts';
import { systemWords } from '../../system-words.ts';
import { isRecord } from './json-text.ts';
import { keepWrittenNumbers, parseAsWritten } from './written-numbers.ts';
import { assertShallow } from './yaml-depth.ts';

/** The longest configuration that is read. Units: bytes. */
const CONFIGURATION_MAX_BYTES = 1_048_576;
/** YAML is read far more slowly than JSON, each key held against each other. Units: characters. */
const YAML_MAX = 65_536;
/** The most nodes that a YAML document's aliases may stand for. */
const YAML_ALIASES_MAX = 100;

/** The key whose values go into the task of a training program, which may tell `1.0` from `1`. */
const OVERWRITES = 'model_overwrites';

/** A configuration as it stands in its file: keys and values, nothing judged yet. */
export type ConfigurationDocument = Readonly<Record<string, unknown>>;

/**
 * Read a configuration file: JSON, or YAML where its name or its content says so.
 *
 * Errors: ConfigError 'configuration-missing' | 'configuration-malformed', naming the file and the place in it.
 */
export async function readConfigurationDocument(path: string): Promise<ConfigurationDocument> {
  return parseConfigurationText(await readText(path), path);
}

/** As `readConfigurationDocument`, of a training program's task: every number stays as it was written. */
export async function readTaskDocument(path: string): Promise<ConfigurationDocument> {
  return documentOf(parseText(await readText(path), path, 'as-written'), path);
}

/** Parse a configuration's text; `path` decides between JSON and YAML and is named in errors. */
export function parseConfigurationText(text: string, path: string): ConfigurationDocument {
  const document = documentOf(parseText(text, path, 'plain'), path);
  // Anything else there is a fault, which is told with what was found.
  if (!isRecord(document[OVERWRITES])) return document;
  const written = documentOf(parseText(text, path, 'as-written'), path);
  return { ...document, [OVERWRITES]: written[OVERWRITES] };
}

async function readText(path: string): Promise<string> {
  const bytes = await readFile(path).catch(async (cause: unknown) => {
    throw await unreadable(path, cause);
  });
  if (bytes.length > CONFIGURATION_MAX_BYTES)
    throw malformed(path, `it has ${bytes.length} bytes; at most ${CONFIGURATION_MAX_BYTES} make sense`);
  return bytes.toString('utf8').replace(/^\uFEFF/, '');
}

async function unreadable(path: string, cause: unknown): Promise<ConfigError> {
  const isMissing = errnoOf(cause) === 'ENOENT';
  const beside = isMissing ? await readdir(dirname(resolve(path))).catch(() => []) : [];
  const hint = isMissing
    ? 'Give the path of a configuration file, in JSON or YAML.'
    : systemWords(cause)?.hint;
  return new ConfigError({
    code: 'configuration-missing',
    message: isMissing
      ? `${path} does not exist${didYouMean(basename(path), beside)}`
      : `${path} cannot be read: ${reasonOf(cause)}`,
    ...(hint === undefined ? {} : { hint }),
    data: { path },
    cause,
  });
}

type Numbers = 'plain' | 'as-written';

function documentOf(value: unknown, path: string): ConfigurationDocument {
  if (!isRecord(value)) throw malformed(path, 'it holds no keys and values');
  return value;
}

function parseText(text: string, path: string, numbers: Numbers): unknown {
  return /\.ya?ml$/i.test(path) ? parseAsYaml(text, path, numbers) : parseAsJson(text, path, numbers);
}

function parseAsJson(text: string, path: string, numbers: Numbers): unknown {
  try {
    return numbers === 'plain' ? JSON.parse(text) : parseAsWritten(text);
  } catch (cause) {
    // A file without a telling name may still be YAML, of which JSON is a part.
    if (!path.toLowerCase().endsWith('.json') && !text.trimStart().startsWith('{'))
      return parseAsYaml(text, path, numbers);
    throw malformed(path, `it is no JSON: ${messageOf(cause)}`, cause);
  }
}

function parseAsYaml(text: string, path: string, numbers: Numbers): unknown {
  try {
    assertShallow(text);
    if (text.length > YAML_MAX) throw new RangeError(`as YAML, at most ${YAML_MAX} characters make sense`);
    const document = parseDocument(text, { logLevel: 'error' });
    const [error] = document.errors;
    if (error !== undefined) throw error;
    if (numbers === 'as-written') keepWrittenNumbers(document);
    return document.toJS({ maxAliasCount: YAML_ALIASES_MAX });
  } catch (cause) {
    throw malformed(path, `it is no YAML: ${messageOf(cause).split('\n', 1)[0] ?? ''}`, cause);
  }
}

function malformed(path: string, why: string, cause?: unknown): ConfigError {
  return new ConfigError({
    code: 'configuration-malformed',
    message: `${path} is not a configuration: ${why}`,
    data: { path },
    ...(cause === undefined ? {} : { cause }),
  });
}
