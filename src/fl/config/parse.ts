import type { z } from 'zod';
import { ConfigError } from '../../errors.ts';
import { boundedLines } from '../../issue-words.ts';
import type { ConfigurationDocument } from './document.ts';
import { judgeDocument, type Side } from './judge.ts';

/** A configuration that holds, and what is odd about its file. */
export interface ParsedConfiguration<Configuration> {
  readonly configuration: Configuration;
  /** One line each, for the person. */
  readonly warnings: readonly string[];
}

interface ParseOptions<Shape extends z.ZodRawShape, Configuration> {
  readonly path: string;
  readonly side: Side<Shape>;
  readonly finish: (value: z.infer<z.ZodObject<Shape>>) => Configuration;
}

/** A file with faults, as a person reads it. */
export function unusable(path: string, faults: readonly string[]): ConfigError {
  return new ConfigError({
    code: 'configuration-invalid',
    message: `${path} cannot be used:\n${faults.map((fault) => `  - ${fault}`).join('\n')}`,
    data: { path, faults },
  });
}

/**
 * Judge a document by a schema.
 *
 * Errors: ConfigError 'configuration-invalid' that lists every fault of the file at once, and what else is odd about it.
 */
export function parseDocument<Shape extends z.ZodRawShape, Configuration>(
  raw: ConfigurationDocument,
  { path, side, finish }: ParseOptions<Shape, Configuration>,
): ParsedConfiguration<Configuration> {
  const { value, faults, warnings } = judgeDocument(raw, side);
  if (value === undefined) throw unusable(path, boundedLines([...faults, ...warnings]));
  return { configuration: finish(value), warnings: boundedLines(warnings).map((line) => `${path}: ${line}`) };
}
