import { z } from 'zod';
import { isRecord } from './json-text.ts';
import { OWN_FACTS } from './key.ts';
import { clientConditions, type SchemaPart, serverConditions } from './schema-conditions.ts';
import { type Role, SIDES } from './sides.ts';

/** A whole JSON Schema. */
export type JsonSchema = SchemaPart & { readonly properties: Readonly<Record<string, SchemaPart>> };

/** Words that are not written as they are said. */
const SHORT_WORDS: Readonly<Record<string, string>> = {
  api: 'API',
  ssl: 'SSL',
  cert: 'certificate',
  urls: 'addresses',
  oauth2: 'OAuth2',
  dir: 'folder',
};

/** The key's own words, where nobody gave it better ones. */
const titleOf = (name: string) => {
  const words = name.split('_').map((word) => SHORT_WORDS[word] ?? word);
  const text = words.join(' ');
  return text.charAt(0).toUpperCase() + text.slice(1);
};

/** Whole numbers that a JavaScript number holds exactly are no limit that a person set. */
const isOwnLimit = (name: string, value: unknown) =>
  (name === 'maximum' && value === Number.MAX_SAFE_INTEGER) ||
  (name === 'minimum' && value === Number.MIN_SAFE_INTEGER);

/** Gives each key a title, and takes out what JSON Schema does not know. */
function finished(part: unknown, keepsOwn: boolean): unknown {
  if (Array.isArray(part)) return part.map((each) => finished(each, keepsOwn));
  if (!isRecord(part)) return part;
  const isSchema = 'description' in part;
  return Object.fromEntries(
    Object.entries(part)
      .filter(([name, value]) => !isOwnLimit(name, value))
      .filter(([name]) => keepsOwn || !isSchema || !OWN_FACTS.some((own) => own === name))
      .map(([name, value]) => {
        if (['default', 'examples', 'const', 'enum'].includes(name)) return [name, value];
        if (name !== 'properties' || !isRecord(value)) return [name, finished(value, keepsOwn)];
        return [
          name,
          Object.fromEntries(
            Object.entries(value).map(([key, inner]) => [key, titled(key, inner, keepsOwn)]),
          ),
        ];
      }),
  );
}

function titled(name: string, part: unknown, keepsOwn: boolean): unknown {
  const done = finished(part, keepsOwn);
  return isRecord(done) && 'description' in done ? { title: titleOf(name), ...done } : done;
}

/** The schema of what a person writes, defaults as the file has them. */
function written(schema: z.ZodType, keepsOwn = false): SchemaPart {
  const { $schema: _, ...part } = z.toJSONSchema(schema, {
    io: 'input',
    unrepresentable: 'any',
    // The converter drops both where a value is turned into another unit: ours are those that people write.
    override: ({ zodSchema, jsonSchema }) => {
      const examples = z.globalRegistry.get(zodSchema)?.['examples'];
      if (Array.isArray(examples)) jsonSchema.examples = examples;
      if (zodSchema instanceof z.ZodDefault)
        jsonSchema.default = zodSchema.def.defaultValue as z.core.JSONSchema.JSONSchema['default'];
    },
  });
  return finished(part, keepsOwn) as SchemaPart;
}

/** Made once for each schema: they never change. */
const DESCRIBED = new WeakMap<z.ZodType, JsonSchema>();

/** A file or a section with all that is told of its keys, units among them. */
export function describedSchema(schema: z.ZodType): JsonSchema {
  const known = DESCRIBED.get(schema) ?? (written(schema, true) as JsonSchema);
  DESCRIBED.set(schema, known);
  return known;
}

/** Every key of a file or a section with all that is told of it. */
export function describedKeys(schema: z.ZodType): JsonSchema['properties'] {
  return describedSchema(schema).properties;
}

/** Names under which older texts know keys: the guide's top-level gRPC keys, and aliases. */
function olderNames(role: Role, properties: JsonSchema['properties']): Readonly<Record<string, SchemaPart>> {
  const { aliases } = SIDES[role];
  const [grpc] = (properties['grpc_configuration']?.['anyOf'] ?? []) as readonly JsonSchema[];
  const older = (place: string, part: SchemaPart | undefined): SchemaPart => {
    // The default belongs to the place where the key is now.
    const { default: _, ...rest } = part ?? {};
    return {
      ...rest,
      description: `Older texts write ${place} like this. ${rest['description'] ?? ''}`,
      deprecated: true,
    };
  };
  return {
    ...Object.fromEntries(Object.entries(aliases).map(([name, now]) => [name, older(now, properties[now])])),
    ...Object.fromEntries(
      Object.entries(grpc?.properties ?? {}).map(([name, part]) => [
        name,
        older(`grpc_configuration.${name}`, part),
      ]),
    ),
  };
}

const ABOUT: Readonly<Record<Role, string>> = {
  server: 'What `mila server` and the mount of a server read. Durations are in seconds.',
  client: 'What `mila client` and the mount of a client read. Durations are in seconds.',
};

/**
 * The JSON Schema (draft 2020-12) of a side's configuration file, as people write it.
 *
 * Guarantees: it accepts what the program accepts, and refuses what the program refuses as far as a schema can say it.
 * Unknown keys are allowed, as in the program, which only warns of them; that one is a slip of the pen, no schema can say.
 */
export function configurationSchema(role: Role): JsonSchema {
  const { $schema } = z.toJSONSchema(z.string());
  const { properties, ...rest } = written(SIDES[role].schema) as JsonSchema;
  const conditions = role === 'server' ? serverConditions(written) : clientConditions(written);
  return {
    $schema,
    title: `Configuration of a Mila ${role}`,
    description: ABOUT[role],
    ...rest,
    properties: { ...properties, ...olderNames(role, properties) },
    allOf: conditions,
  };
}
