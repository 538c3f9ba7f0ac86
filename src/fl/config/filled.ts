import { OPTION_SCHEMAS, ruleNamed } from '../aggregate/aggregator-options.ts';
import { COMMAND_OPTIONS } from '../executor/command-options.ts';
import { BUILT_IN_TRAINER, canonicalExecutor, EXECUTOR_NAMES } from '../executor/executor-names.ts';
import type { ConfigurationDocument } from './document.ts';
import { describedKeys } from './json-schema.ts';
import { isRecord } from './json-text.ts';
import { transportOf } from './key-values.ts';
import type { SchemaPart } from './schema-conditions.ts';
import { type Role, SIDES } from './sides.ts';

type Keys = Readonly<Record<string, SchemaPart>>;

/** One key of a file with its value, as people write it. */
export interface FilledKey {
  /** From the top of the file. */
  readonly path: readonly string[];
  readonly value: unknown;
  /** Unknown: the program ignores it. */
  readonly from: 'file' | 'default' | 'unknown';
  /** What is told of the key; undefined of one that nobody describes. */
  readonly about: SchemaPart | undefined;
}

/** A file with its defaults filled in. */
export interface FilledConfiguration {
  /** What a person could have written to say all of it. */
  readonly document: ConfigurationDocument;
  /** Every key that has a value, in the order of the document. */
  readonly keys: readonly FilledKey[];
}

/** The described keys within a key; undefined when it holds no keys of its own. */
function innerKeys(about: SchemaPart | undefined): Keys | undefined {
  const forms = [about, ...((about?.['anyOf'] ?? []) as readonly SchemaPart[])];
  return forms.find((form) => form?.['properties'] !== undefined)?.['properties'] as Keys | undefined;
}

/** The keys that belong to the executor or the rule of a file; undefined where nobody knows them. */
function optionKeys(name: string, role: Role, document: ConfigurationDocument): Keys | undefined {
  const [rule, executor] = [document['aggregator_type'], document['executor_type']];
  if (name === 'aggregator_options') {
    const known = ruleNamed(String(rule));
    return known === undefined ? undefined : describedKeys(OPTION_SCHEMAS[known]);
  }
  // A server's executor only evaluates for a rule that asks for it.
  const isUsed = role === 'client' || (executor !== null && /benchmark/i.test(String(rule)));
  const type = canonicalExecutor(String(executor));
  if (name !== 'executor_options' || !isUsed || type === BUILT_IN_TRAINER || !EXECUTOR_NAMES.includes(type))
    return undefined;
  return describedKeys(COMMAND_OPTIONS);
}

interface Level {
  readonly path: readonly string[];
  readonly known: Keys;
  /** The described keys of a value that the file may leave out or set to null; undefined: it is as it is. */
  readonly within: (name: string, value: unknown, about: SchemaPart) => Keys | undefined;
}

function fill(written: ConfigurationDocument, { path, known, within }: Level): FilledConfiguration {
  const keys: FilledKey[] = [];
  const entries: [string, unknown][] = [];
  const add = (name: string, value: unknown, from: FilledKey['from']) => {
    const about = known[name];
    const inner = about === undefined ? undefined : within(name, value, about);
    if (inner === undefined) {
      keys.push({ path: [...path, name], value, from, about });
      entries.push([name, value]);
      return;
    }
    const section = fill(isRecord(value) ? value : {}, {
      path: [...path, name],
      known: inner,
      within: sections,
    });
    keys.push(...section.keys);
    entries.push([name, section.document]);
  };
  for (const name of Object.keys(known)) {
    if (Object.hasOwn(written, name)) add(name, written[name], 'file');
    else if (Object.hasOwn(known[name] ?? {}, 'default')) add(name, known[name]?.['default'], 'default');
  }
  for (const [name, value] of Object.entries(written))
    if (!Object.hasOwn(known, name)) add(name, value, 'unknown');
  return { document: Object.fromEntries(entries), keys };
}

/** A section that the file has; one that it leaves out stays left out. */
const sections: Level['within'] = (_name, value, about) => (isRecord(value) ? innerKeys(about) : undefined);

/**
 * Fill the defaults into a file that holds, in the keys and units of people.
 *
 * Guarantees: the result means what the file means, and filled in again it stays the same. Keys without a default that
 * the file leaves out stay left out; unknown keys stay at the end.
 */
export function filledConfiguration(document: ConfigurationDocument, role: Role): FilledConfiguration {
  const known = describedKeys(SIDES[role].schema);
  const types = fill(document, { path: [], known, within: sections }).document;
  return fill(document, {
    path: [],
    known,
    within: (name, value, about) => {
      if (name === 'grpc_configuration' && transportOf(String(types[`${role}_type`])) === 'grpc')
        return innerKeys(about);
      return optionKeys(name, role, types) ?? sections(name, value, about);
    },
  });
}
