import type { z } from 'zod';
import { ConfigError } from '../../errors.ts';
import type { ConfigurationDocument } from './document.ts';
import { unknownKeyWarnings } from './known-keys.ts';
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

/** One line per fault: the key, what was found, what is allowed. */
function faultLines(document: ConfigurationDocument, issues: readonly z.core.$ZodIssue[]): readonly string[] {
  return issues.map((issue) => {
    const key = issue.path.map(String).join('.');
    const found = valueAt(document, issue.path);
    const what = found === undefined ? 'is missing' : `is ${shown(found)}`;
    return `${key === '' ? 'the file' : key} ${what}: ${issue.message}`;
  });
}

interface ParseOptions<Shape extends z.ZodRawShape, Configuration> {
  readonly path: string;
  readonly schema: z.ZodObject<Shape>;
  readonly aliases: Readonly<Record<string, string>>;
  /** What only shows when keys are seen together; one line per contradiction. */
  readonly contradictions: (value: z.infer<z.ZodObject<Shape>>) => readonly string[];
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
  const { path, schema, aliases, contradictions, finish } = options;
  const document = withGrpcSection(withAliases(raw, aliases));
  const parsed = schema.safeParse(document);
  const faults = parsed.success ? contradictions(parsed.data) : faultLines(document, parsed.error.issues);
  if (faults.length > 0 || !parsed.success)
    throw new ConfigError({
      code: 'configuration-invalid',
      message: `${path} cannot be used:\n${faults.map((fault) => `  - ${fault}`).join('\n')}`,
      data: { path, faults },
    });
  const sections = [
    ['box_configuration', BOX_KEYS],
    ['grpc_configuration', GRPC_KEYS],
  ] as const;
  const warnings = [
    ...unknownKeyWarnings(document, Object.keys(schema.shape)),
    ...sections.flatMap(([name, keys]) => {
      const section = document[name];
      return isRecord(section) ? unknownKeyWarnings(section, keys, `${name}.`) : [];
    }),
  ];
  return { configuration: finish(parsed.data), warnings: warnings.map((line) => `${path}: ${line}`) };
}
