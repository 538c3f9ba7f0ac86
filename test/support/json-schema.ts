type Part = Readonly<Record<string, unknown>> | boolean;

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const same = (left: unknown, right: unknown) => JSON.stringify(left) === JSON.stringify(right);

function isOfType(type: string, value: unknown): boolean {
  if (type === 'null') return value === null;
  if (type === 'array') return Array.isArray(value);
  if (type === 'object') return isRecord(value);
  if (type === 'integer') return Number.isInteger(value);
  return typeof value === type;
}

/** What each word of a schema asks of a value; the words that ask nothing are listed too, so that no other is overlooked. */
const WORDS: Readonly<
  Record<string, (word: never, value: unknown, schema: Record<string, unknown>) => boolean>
> = {
  type: (word: string | string[], value) => [word].flat().some((each) => isOfType(each, value)),
  const: (word: unknown, value) => same(word, value),
  enum: (word: unknown[], value) => word.some((each) => same(each, value)),
  pattern: (word: string, value) => typeof value !== 'string' || new RegExp(word, 'u').test(value),
  minLength: (word: number, value) => typeof value !== 'string' || [...value].length >= word,
  minimum: (word: number, value) => typeof value !== 'number' || value >= word,
  maximum: (word: number, value) => typeof value !== 'number' || value <= word,
  exclusiveMinimum: (word: number, value) => typeof value !== 'number' || value > word,
  exclusiveMaximum: (word: number, value) => typeof value !== 'number' || value < word,
  minItems: (word: number, value) => !Array.isArray(value) || value.length >= word,
  maxItems: (word: number, value) => !Array.isArray(value) || value.length <= word,
  prefixItems: (word: Part[], value) =>
    !Array.isArray(value) || value.every((each, at) => word[at] === undefined || accepts(word[at], each)),
  items: (word: Part, value, { prefixItems }) => {
    const from = Array.isArray(prefixItems) ? prefixItems.length : 0;
    return !Array.isArray(value) || value.slice(from).every((each) => accepts(word, each));
  },
  required: (word: string[], value) => !isRecord(value) || word.every((name) => Object.hasOwn(value, name)),
  maxProperties: (word: number, value) => !isRecord(value) || Object.keys(value).length <= word,
  properties: (word: Record<string, Part>, value) =>
    !isRecord(value) ||
    Object.entries(word).every(([name, part]) => !Object.hasOwn(value, name) || accepts(part, value[name])),
  propertyNames: (word: Part, value) =>
    !isRecord(value) || Object.keys(value).every((name) => accepts(word, name)),
  additionalProperties: (word: Part, value, { properties }) =>
    !isRecord(value) ||
    Object.entries(value).every(
      ([name, each]) => (isRecord(properties) && Object.hasOwn(properties, name)) || accepts(word, each),
    ),
  anyOf: (word: Part[], value) => word.some((part) => accepts(part, value)),
  oneOf: (word: Part[], value) => word.filter((part) => accepts(part, value)).length === 1,
  allOf: (word: Part[], value) => word.every((part) => accepts(part, value)),
  not: (word: Part, value) => !accepts(word, value),
  if: (word: Part, value, schema) =>
    !accepts(word, value) || accepts((schema['then'] ?? true) as Part, value),
  ...Object.fromEntries(
    ['then', 'title', 'description', 'default', 'examples', 'deprecated', 'format', '$schema'].map((word) => [
      word,
      () => true,
    ]),
  ),
};

/**
 * Whether a JSON Schema accepts a value: the part of draft 2020-12 that this project's schemas use.
 *
 * Errors: Error for a word that is not known here, so that none is passed over.
 */
export function accepts(schema: Part, value: unknown): boolean {
  if (typeof schema === 'boolean') return schema;
  return Object.entries(schema).every(([name, word]) => {
    const judge = WORDS[name];
    if (judge === undefined) throw new Error(`this checker does not know "${name}"`);
    return judge(word as never, value, schema);
  });
}
