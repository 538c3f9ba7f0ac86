import type { z } from 'zod';
import { DOTTED_NAMES, KMOL_RULES, OPTION_SCHEMAS, type RuleName } from '../aggregate/aggregator-options.ts';
import { COMMAND_OPTIONS } from '../executor/command-options.ts';
import {
  BUILT_IN_TRAINER,
  COMMAND_EXECUTOR,
  EXECUTOR_ALIASES,
  EXECUTOR_NAMES,
} from '../executor/executor-names.ts';
import { SECURE_FILES } from './grpc-section.ts';
import { TRANSPORT_PATTERNS, type TransportKind } from './key-values.ts';

/** A part of a JSON Schema. */
export type SchemaPart = Readonly<Record<string, unknown>>;

const GRPC = 'grpc_configuration';
const has = (name: string, schema: SchemaPart = {}): SchemaPart => ({
  properties: { [name]: schema },
  required: [name],
});
const nothing: SchemaPart = { const: null };
const when = (condition: SchemaPart, then: SchemaPart): SchemaPart => ({ if: condition, then });

/** A gRPC key holds in its section, or else at the top level. */
function inGrpc(name: string, schema: SchemaPart): SchemaPart {
  const section = has(GRPC, { type: 'object', required: [name] });
  const inSection = has(GRPC, { type: 'object', ...has(name, schema) });
  return { anyOf: [inSection, { ...has(name, schema), not: section }] };
}

/** The second class of a server, under either name, must belong to the same transport. */
function sameTransport(part: SchemaPart): SchemaPart {
  const own = { properties: { server_manager_type: part } };
  // An older name that stands beside the present one does not count.
  const older = { anyOf: [{ required: ['server_manager_type'] }, { properties: { servicer_type: part } }] };
  return { allOf: [own, older] };
}

/** Which transport a class stands for, and what that transport needs. */
function transportConditions(typeKey: string): readonly SchemaPart[] {
  const pattern = (kind: TransportKind) => ({ pattern: TRANSPORT_PATTERNS[kind] });
  const isOf = (kind: TransportKind) => has(typeKey, { type: 'string', ...pattern(kind) });
  const isSecure = inGrpc('use_secure_connection', { const: true });
  const files = SECURE_FILES.map((name) => inGrpc(name, { type: 'string' }));
  return [
    { properties: { [typeKey]: { anyOf: [pattern('box'), pattern('grpc')] } } },
    ...(typeKey === 'server_type'
      ? (['box', 'grpc'] as const).map((kind) => when(isOf(kind), sameTransport(pattern(kind))))
      : []),
    when(isOf('box'), has('box_configuration', { not: nothing })),
    when({ allOf: [isOf('grpc'), isSecure] }, { allOf: files }),
  ];
}

/** What a section of options may hold; where all of it may be left out, it may be null or missing. */
function optionsPart(name: string, schema: SchemaPart): SchemaPart {
  const isNeeded = Array.isArray(schema['required']) && schema['required'].length > 0;
  return isNeeded ? has(name, schema) : { properties: { [name]: { anyOf: [schema, { type: 'null' }] } } };
}

const namesOf = (rule: RuleName) => [
  rule,
  ...Object.entries(DOTTED_NAMES)
    .filter(([, meant]) => meant === rule)
    .map(([dotted]) => dotted),
];

/** The options of each rule. */
function ruleConditions(convert: (schema: z.ZodType) => SchemaPart): readonly SchemaPart[] {
  return (Object.keys(OPTION_SCHEMAS) as RuleName[]).map((rule) => {
    const schema = convert(OPTION_SCHEMAS[rule]);
    const properties = schema['properties'] as SchemaPart;
    const own = KMOL_RULES.includes(rule)
      ? schema
      : { ...schema, properties: { ...properties, compat: false } };
    const isNamed = { enum: namesOf(rule) };
    // The plain rule is the one of a file that names none.
    const condition =
      rule === 'plain' ? { properties: { aggregator_type: isNamed } } : has('aggregator_type', isNamed);
    return when(condition, optionsPart('aggregator_options', own));
  });
}

/** The options of each executor. `standing` says when they are judged at all. */
function executorConditions(
  convert: (schema: z.ZodType) => SchemaPart,
  standing: (condition: SchemaPart) => SchemaPart,
): readonly SchemaPart[] {
  const command = convert(COMMAND_OPTIONS);
  const programs = EXECUTOR_NAMES.filter((name) => name !== BUILT_IN_TRAINER && name !== COMMAND_EXECUTOR);
  const names = [...programs, ...Object.keys(EXECUTOR_ALIASES)];
  return [
    when(standing({}), {
      properties: { executor_type: { enum: [...EXECUTOR_NAMES, ...Object.keys(EXECUTOR_ALIASES)] } },
    }),
    when(
      standing({ properties: { executor_type: { enum: names } } }),
      optionsPart('executor_options', command),
    ),
    when(
      standing(has('executor_type', { const: COMMAND_EXECUTOR })),
      optionsPart('executor_options', { ...command, required: ['command'] }),
    ),
    when(
      standing(has('executor_type', { const: BUILT_IN_TRAINER })),
      optionsPart('executor_options', { type: 'object', maxProperties: 0 }),
    ),
  ];
}

/** Exactly one of the two ways of telling somebody. */
const NOTIFY_CONDITION: SchemaPart = when(
  has('notify', { type: 'object' }),
  has('notify', { oneOf: [{ required: ['command'] }, { required: ['webhook'] }] }),
);

/** What only shows when keys of a server's file are seen together, as far as JSON Schema can say it. */
export function serverConditions(convert: (schema: z.ZodType) => SchemaPart): readonly SchemaPart[] {
  const benchmark = { pattern: '[Bb][Ee][Nn][Cc][Hh][Mm][Aa][Rr][Kk]' };
  const isBenchmarked = has('aggregator_type', { type: 'string', ...benchmark });
  const hasExecutor = has('executor_type', { not: nothing });
  return [
    ...transportConditions('server_type'),
    NOTIFY_CONDITION,
    when(has('use_whitelist', { const: true }), has('whitelist', { minItems: 1 })),
    ...ruleConditions(convert),
    when(has('aggregator_type', { enum: namesOf('benchmarked') }), hasExecutor),
    ...executorConditions(convert, (condition) => ({ allOf: [isBenchmarked, hasExecutor, condition] })),
  ];
}

/** The same of a client's file. */
export function clientConditions(convert: (schema: z.ZodType) => SchemaPart): readonly SchemaPart[] {
  return [
    ...transportConditions('client_type'),
    NOTIFY_CONDITION,
    ...executorConditions(convert, (condition) => condition),
  ];
}
