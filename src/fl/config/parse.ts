import type { z } from 'zod';
import { ConfigError } from '../../errors.ts';
import { boundedLines, faultText, valueAt } from '../../issue-words.ts';
import type { ConfigurationDocument } from './document.ts';
import { isRecord } from './json-text.ts';
import { type UnknownKey, unknownKeysOf, unknownKeyText } from './known-keys.ts';
import { BASE_URL_KEYS, BOX_KEYS, GRPC_KEYS, RATE_LIMIT_KEYS } from './sections.ts';

/** A configuration that holds, and what is odd about its file. */
export interface ParsedConfiguration<Configuration> {
  readonly configuration: Configuration;
  /** One line each, for the person. */
  readonly warnings: readonly string[];
}

/** kMoL's guide puts these at the top level, its code below grpc_configuration; both are read. */
function withGrpcSection(document: ConfigurationDocument): ConfigurationDocument {
  const found = GRPC_KEYS.filter((key) => key in document);
  if (found.length === 0) return document;
  const section = isRecord(document['grpc_configuration']) ? document['grpc_configuration'] : {};
  const rest = Object.fromEntries(Object.entries(document).filter(([key]) => !GRPC_KEYS.includes(key)));
  const moved = Object.fromEntries(found.map((key) => [key, document[key]]));
  return { ...rest, grpc_configuration: { ...moved, ...section } };
}

/** Names that older texts use for a key. */
function withAliases(
  document: ConfigurationDocument,
  aliases: Readonly<Record<string, string>>,
): ConfigurationDocument {
  return Object.fromEntries(
    Object.entries(document).flatMap(([key, value]) => {
      const name = Object.hasOwn(aliases, key) ? aliases[key] : undefined;
      if (name === undefined) return [[key, value]];
      return name in document ? [] : [[name, value]];
    }),
  );
}

/** One line per fault: the key, what was found, what is allowed, and for a missing key what may be meant for it. */
function faultLines(
  document: ConfigurationDocument,
  issues: readonly z.core.$ZodIssue[],
  unknown: readonly UnknownKey[],
): readonly string[] {
  return issues.map((issue) => {
    const text = faultText(issue, document);
    if (valueAt(document, issue.path) !== undefined) return text;
    const meant = meantFor(issue.path.map(String).join('.'), unknown);
    return meant === undefined
      ? text
      : text.replace(' is missing', ` is missing (is ${meant.key} meant for it?)`);
  });
}

/** The unknown key that a missing one may be misspelt as. */
function meantFor(missing: string, unknown: readonly UnknownKey[]): UnknownKey | undefined {
  return unknown.find(({ nearest }) => nearest === missing);
}

/** Without the keys at fault, so that what is wrong between the others shows as well. */
function withoutFaults<Value extends object>(
  value: Value,
  issues: readonly z.core.$ZodIssue[],
): Partial<Value> {
  const faulty = new Set(issues.map((issue) => String(issue.path[0])));
  return Object.fromEntries(Object.entries(value).filter(([key]) => !faulty.has(key))) as Partial<Value>;
}

interface ParseOptions<Shape extends z.ZodRawShape, Configuration> {
  readonly path: string;
  readonly schema: z.ZodObject<Shape>;
  readonly aliases: Readonly<Record<string, string>>;
  /** What only shows when keys are seen together; one line per contradiction. */
  readonly contradictions: (value: Partial<z.infer<z.ZodObject<Shape>>>) => readonly string[];
  /** What is no fault but will not do what it seems to; one line each. */
  readonly oddities: (value: z.infer<z.ZodObject<Shape>>) => readonly string[];
  readonly finish: (value: z.infer<z.ZodObject<Shape>>) => Configuration;
}

/**
 * Judge a document by a schema.
 *
 * Errors: ConfigError 'configuration-invalid' that lists every fault of the file at once.
 */
export function parseDocument<Shape extends z.ZodRawShape, Configuration>(
  raw: ConfigurationDocument,
  options: ParseOptions<Shape, Configuration>,
): ParsedConfiguration<Configuration> {
  const { path, schema, finish } = options;
  const document = withGrpcSection(withAliases(raw, options.aliases));
  const unknown = unknownKeys(document, Object.keys(schema.shape));
  const parsed = schema.safeParse(document);
  const faults = boundedLines(faultsOf(document, { parsed, unknown, options }));
  if (faults.length > 0 || !parsed.success)
    throw new ConfigError({
      code: 'configuration-invalid',
      message: `${path} cannot be used:\n${faults.map((fault) => `  - ${fault}`).join('\n')}`,
      data: { path, faults },
    });
  const warnings = boundedLines([...unknown.map(unknownKeyText), ...options.oddities(parsed.data)]);
  return { configuration: finish(parsed.data), warnings: warnings.map((line) => `${path}: ${line}`) };
}

interface Judged<Shape extends z.ZodRawShape, Configuration> {
  readonly parsed: z.ZodSafeParseResult<z.infer<z.ZodObject<Shape>>>;
  readonly unknown: readonly UnknownKey[];
  readonly options: ParseOptions<Shape, Configuration>;
}

function faultsOf<Shape extends z.ZodRawShape, Configuration>(
  document: ConfigurationDocument,
  { parsed, unknown, options: { schema, contradictions } }: Judged<Shape, Configuration>,
): readonly string[] {
  if (parsed.success) {
    const faults = contradictions(parsed.data);
    const isSound = faults.length === 0 && !unknown.some(({ isSlip }) => isSlip);
    return isSound ? [] : [...faults, ...unknown.map(unknownKeyText)];
  }
  const { issues } = parsed.error;
  const rest = schema.partial().safeParse(withoutFaults(document, issues));
  const missing = issues.map(({ path }) => path.map(String).join('.'));
  // Named already beside the missing key.
  const told = new Set(missing.flatMap((key) => meantFor(key, unknown) ?? []));
  return [
    ...faultLines(document, issues, unknown),
    // Of a file with faults, only what the sound keys say can be held against each other.
    ...(rest.success ? contradictions(withoutFaults(rest.data as z.infer<typeof schema>, issues)) : []),
    ...unknown.filter((key) => !told.has(key)).map(unknownKeyText),
  ];
}

/** Every section that has keys of its own, by its place. */
const SECTIONS: readonly (readonly [place: readonly string[], known: readonly string[]])[] = [
  [['box_configuration'], BOX_KEYS],
  [['box_configuration', 'base_urls'], BASE_URL_KEYS],
  [['box_configuration', 'rate_limits'], RATE_LIMIT_KEYS],
  [['grpc_configuration'], GRPC_KEYS],
];

function unknownKeys(document: ConfigurationDocument, known: readonly string[]): readonly UnknownKey[] {
  return [
    ...unknownKeysOf(document, known),
    ...SECTIONS.flatMap(([place, keys]) => {
      const section = valueAt(document, place);
      return isRecord(section) ? unknownKeysOf(section, keys, `${place.join('.')}.`) : [];
    }),
  ];
}
