import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import { ConfigError } from '../errors.ts';
import { KEY_INPUT, KEY_VARIABLE } from '../fl/config/box-section.ts';
import { loadParticipantConfiguration, type ParticipantConfiguration } from '../fl/config.ts';
import { type Logger, silentLogger } from '../logger.ts';
import {
  type BoxConfiguration,
  KEY_MAX_BYTES,
  parseBoxConfiguration,
  readBoxConfiguration,
} from '../sync/box/box-configuration.ts';
import { boxSectionOf } from './mount-layout.ts';

/** The key of Box that a configuration names, taken from where it is. */
export interface BoxKey {
  /** Errors: as `readBoxConfiguration`, naming the place and never the content. */
  read(logger: Logger): Promise<BoxConfiguration>;
  /** What another program of ours is started with to find it too. A method, so that nothing prints it by accident. */
  handOver(): HandOver;
}

interface HandOver {
  readonly variables: Readonly<Record<string, string>>;
  /** For its standard input. */
  readonly input: string | undefined;
}

/** Where a key may be beside files. */
export interface KeySources {
  /** A variable that holds the key is taken out of it, so that no program inherits it by accident. */
  readonly environment: NodeJS.ProcessEnv;
  /** Default: this process's standard input. */
  readonly input?: Readable;
}

const HINT =
  "It takes the content of the JSON file that Box's developer console downloads, for example: " +
  'BOX_CONFIG_JSON="$(cat box-key.json)"';

/** The place of a key as messages name it. */
export const keyName = (place: string): string => (place === KEY_INPUT ? 'standard input' : place);

function absent(place: string, what: string): ConfigError {
  return new ConfigError({
    code: 'configuration-missing',
    message: `box_configuration.box_configuration_path is ${place}, but ${what}`,
    hint: place === KEY_INPUT ? 'Type: mila-sync mount CONFIG < box-key.json' : HINT,
    data: { place },
  });
}

/** A JSON text that is whole, whatever comes behind it. */
function isWhole(text: string): boolean {
  if (!text.trimEnd().endsWith('}')) return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/**
 * Read a key from a stream: one JSON document, or all until the end.
 *
 * Guarantees: a pipe that stays open behind the document is left open and read no further; the text is bounded.
 */
function readKeyInput(input: Readable): Promise<string> {
  if (input.readableEnded || input.destroyed) return Promise.resolve('');
  const decoder = new StringDecoder('utf8');
  return new Promise((resolve, reject) => {
    let text = '';
    const finish = (settle: () => void) => {
      input.off('data', onData).off('end', onEnd).off('close', onEnd).off('error', onError);
      input.pause();
      if ('unref' in input && typeof input.unref === 'function') input.unref();
      settle();
    };
    const onEnd = () => finish(() => resolve(text));
    const onError = () => finish(() => reject(absent(KEY_INPUT, 'standard input cannot be read')));
    const onData = (chunk: Buffer | string) => {
      text += typeof chunk === 'string' ? chunk : decoder.write(chunk);
      if (text.length > KEY_MAX_BYTES)
        finish(() => reject(absent(KEY_INPUT, `standard input holds more than ${KEY_MAX_BYTES} characters`)));
      else if (isWhole(text)) finish(() => resolve(text));
    };
    input.on('data', onData).on('end', onEnd).on('close', onEnd).on('error', onError);
    input.resume();
  });
}

const ofText = (place: string, text: string, handOver: HandOver): BoxKey => ({
  read: async () => parseBoxConfiguration(keyName(place), text),
  handOver: () => handOver,
});

/** The variable that a place names; undefined for a file and for standard input. */
const variableOf = (place: string): string | undefined => KEY_VARIABLE.exec(place)?.[1];

/** The key that stands at a place. Errors: ConfigError 'configuration-missing', naming the variable or standard input. */
export async function keyAt(place: string, { environment, input }: KeySources): Promise<BoxKey> {
  const name = variableOf(place);
  if (name !== undefined) {
    const text = environment[name];
    delete environment[name];
    if (text === undefined) throw absent(place, `the variable ${name} is not set`);
    if (text.trim() === '') throw absent(place, `the variable ${name} is empty`);
    return ofText(place, text, { variables: { [name]: text }, input: undefined });
  }
  if (place !== KEY_INPUT)
    return {
      read: (logger) => readBoxConfiguration(place, logger),
      handOver: () => ({ variables: {}, input: undefined }),
    };
  const text = await readKeyInput(input ?? process.stdin);
  if (text.trim() === '') throw absent(place, 'standard input holds nothing');
  return ofText(place, text, { variables: {}, input: text });
}

/** Take the key that a configuration names. Errors: ConfigError, also when it names none. */
export async function takeBoxKey(
  configuration: ParticipantConfiguration,
  sources: KeySources,
): Promise<BoxKey> {
  const place = boxSectionOf(configuration).box_configuration_path;
  if (place !== undefined) return keyAt(place, sources);
  throw new ConfigError({
    code: 'configuration-invalid',
    message: `${configuration.path}: box_configuration.box_configuration_path is missing`,
    hint: 'Name the JSON key file that the developer console of Box downloaded.',
  });
}

interface OwnMountFlags {
  readonly dir?: string;
  readonly mount?: boolean;
}

/**
 * The key that a server or a client hands to a mount of its own; undefined when it starts none.
 *
 * Guarantees: afterwards the environment holds no key in any case: what trains must not inherit it.
 * Errors: ConfigError for a key that is in no file and cannot be used; a file is read by the mount itself.
 */
export async function keyForOwnMount(
  { box, transport }: Pick<ParticipantConfiguration, 'box' | 'transport'>,
  { mount, dir }: OwnMountFlags,
  { env: environment, stdin: input }: Pick<NodeJS.Process, 'env' | 'stdin'>,
): Promise<BoxKey | undefined> {
  const place = box?.box_configuration_path;
  if (place === undefined) return undefined;
  const name = variableOf(place);
  const isInFile = name === undefined && place !== KEY_INPUT;
  if (isInFile) return undefined;
  if (mount !== true || dir !== undefined || transport === 'grpc') {
    if (name !== undefined) delete environment[name];
    return undefined;
  }
  const key = await keyAt(place, { environment, input });
  await key.read(silentLogger);
  return key;
}

/**
 * What a mount in the background must be given because its own standard input is nobody's: the key, when it comes from
 * there. A variable is inherited, a file is read.
 */
export async function keyToPassOn(
  configPath: string,
  { env: environment, stdin: input }: Pick<NodeJS.Process, 'env' | 'stdin'>,
): Promise<string | undefined> {
  // What is wrong with the file is told by the mount itself.
  const parsed = await loadParticipantConfiguration(configPath).catch(() => undefined);
  const place = parsed?.configuration.box?.box_configuration_path;
  return place === KEY_INPUT ? (await keyAt(place, { environment, input })).handOver().input : undefined;
}
