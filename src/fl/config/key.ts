import type { z } from 'zod';

/** What people are told of a key beside its sentence. */
export interface KeyFacts {
  /** A few words that tell it from others; without it, the key's own words. */
  readonly title?: string;
  /** What a number counts. */
  readonly unit?: string;
  /** What holds where the key is left out, in words, when no value says it. */
  readonly absent?: string;
  /** Values as people write them. */
  readonly examples?: readonly unknown[];
  /** True for a name that only older texts use. */
  readonly deprecated?: boolean;
  /** True for a value that is a secret: it is shown by its host only. */
  readonly secret?: boolean;
  /** The same rule as a check in code, for whoever judges by the schema alone. */
  readonly pattern?: string;
}

/** Facts for this program's own pages; a JSON Schema has no words for them. */
export const OWN_FACTS = ['unit', 'absent', 'secret'] as const;

/**
 * Describe a key where it is defined: one sentence for people, and facts for the schema, the page and `config show`.
 *
 * Guarantees: what the key accepts stays as it is. Call it last: a schema made from the result loses the description.
 */
export function key<Schema extends z.ZodType>(
  schema: Schema,
  description: string,
  facts: KeyFacts = {},
): Schema {
  return schema.meta({ ...facts, description });
}
