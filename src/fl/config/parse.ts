import type { z } from 'zod';
import { ConfigError } from '../../errors.ts';
import type { ConfigurationDocument } from './document.ts';
import { nearestKey, unknownKeyWarnings } from './known-keys.ts';
import { BOX_KEYS, GRPC_KEYS } from './sections.ts';

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

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Names that older texts use for a key. */
function withAliases(
  document: ConfigurationDocument,
  aliases: Readonly<Record<string, string>>,
): ConfigurationDocument {
  return Object.fromEntries(
    Object.entries(document).flatMap(([key, value]) => {
      const name = aliases[key];
      if (name === undefined) return [[key, value]];
      return name in document ? [] : [[name, value]];
    }),
  );
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

function valueAt(document: unknown, path: readonly PropertyKey[]): unknown {
  let value: unknown = document;
  for (const key of path) value = isRecord(value) ? value[String(key)] : undefined;
  return value;
}

/** One line per fault: the key, what was found, what is allowed, and for a missing key what may be meant for it. */
function faultLines(
  document: ConfigurationDocument,
  issues: readonly z.core.$ZodIssue[],
  known: readonly string[],
): readonly string[] {
  return issues.map((issue) => {
    const key = issue.path.map(String).join('.');
    const found = valueAt(document, issue.path);
    if (found === undefined) {
      const meant = Object.keys(document).find(
        (each) => !known.includes(each) && nearestKey(each, known) === key,
      );
      return `${key} is missing${meant === undefined ? '' : ` (is ${meant} meant for it?)`}: ${issue.message}`;
    }
    return `${key === '' ? 'the file' : key} is ${shown(found)}: ${issue.message}`;
  });
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
  const parsed = schema.safeParse(document);
  const faults = faultsOf(document, parsed, options);
  if (faults.length > 0 || !parsed.success)
    throw new ConfigError({
      code: 'configuration-invalid',
      message: `${path} cannot be used:\n${faults.map((fault) => `  - ${fault}`).join('\n')}`,
      data: { path, faults },
    });
  const warnings = [...unknownKeys(document, Object.keys(schema.shape)), ...options.oddities(parsed.data)];
  return { configuration: finish(parsed.data), warnings: warnings.map((line) => `${path}: ${line}`) };
}

function faultsOf<Shape extends z.ZodRawShape, Configuration>(
  document: ConfigurationDocument,
  parsed: z.ZodSafeParseResult<z.infer<z.ZodObject<Shape>>>,
  { schema, contradictions }: ParseOptions<Shape, Configuration>,
): readonly string[] {
  if (parsed.success) return contradictions(parsed.data);
  const { issues } = parsed.error;
  const rest = schema.partial().safeParse(withoutFaults(document, issues));
  return [
    ...faultLines(document, issues, Object.keys(schema.shape)),
    // Of a file with faults, only what the sound keys say can be held against each other.
    ...(rest.success ? contradictions(withoutFaults(rest.data as z.infer<typeof schema>, issues)) : []),
  ];
}

function unknownKeys(document: ConfigurationDocument, known: readonly string[]): readonly string[] {
  const sections = [
    ['box_configuration', BOX_KEYS],
    ['grpc_configuration', GRPC_KEYS],
  ] as const;
  return [
    ...unknownKeyWarnings(document, known),
    ...sections.flatMap(([name, keys]) => {
      const section = document[name];
      return isRecord(section) ? unknownKeyWarnings(section, keys, `${name}.`) : [];
    }),
  ];
}
