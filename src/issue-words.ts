import type { z } from 'zod';
import { didYouMean } from './nearest-name.ts';

type Issue = z.core.$ZodIssue;

/** What a kind of value is called where people write it. */
const KINDS: Readonly<Record<string, string>> = {
  string: 'a text in quotes',
  number: 'a number',
  nan: 'a number',
  int: 'a whole number',
  bigint: 'a whole number',
  boolean: 'true or false',
  array: 'a list, such as ["a", "b"]',
  tuple: 'a list, such as ["a", "b"]',
  set: 'a list, such as ["a", "b"]',
  object: 'keys and values in braces, such as {"key": "value"}',
  record: 'keys and values in braces, such as {"key": "value"}',
  map: 'keys and values in braces, such as {"key": "value"}',
  null: 'null',
  undefined: 'nothing',
  never: 'nothing',
  date: 'a date',
};

/** What is counted of a value that has a length. */
const COUNTED: Readonly<Record<string, string>> = {
  string: 'characters',
  array: 'entries',
  tuple: 'entries',
  set: 'entries',
  object: 'keys',
  record: 'keys',
  map: 'keys',
};

function boundWords(
  origin: string,
  { side, bound, inclusive }: { side: 'least' | 'most'; bound: unknown; inclusive: boolean },
): string {
  const counted = COUNTED[origin];
  if (counted === undefined) {
    if (!inclusive) return `a number ${side === 'least' ? 'above' : 'below'} ${bound}`;
    return `${side === 'least' ? 'at least' : 'at most'} ${bound}`;
  }
  if (side === 'least' && Number(bound) <= 1)
    return origin === 'string' ? 'a text that is not empty' : `at least one of its ${counted}`;
  return `at ${side} ${bound} ${counted}`;
}

function formatWords(format: string): string {
  if (format === 'url') return 'an address, such as https://box.example.org';
  if (format === 'safeint' || format === 'int32' || format === 'uint32') return 'a whole number';
  return `a text of another form${format === 'regex' ? '' : ` (${format})`}`;
}

/** What is expected where a value is at fault, as a noun: "a whole number". */
function expected(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_type':
      return KINDS[issue.expected] ?? `a value of the kind ${issue.expected}`;
    case 'too_small':
      return boundWords(issue.origin, {
        side: 'least',
        bound: issue.minimum,
        inclusive: issue.inclusive !== false,
      });
    case 'too_big':
      return boundWords(issue.origin, {
        side: 'most',
        bound: issue.maximum,
        inclusive: issue.inclusive !== false,
      });
    case 'invalid_value':
      return issue.values.length === 1
        ? JSON.stringify(issue.values[0])
        : `one of ${issue.values.map((value) => JSON.stringify(value)).join(', ')}`;
    case 'invalid_format':
      return formatWords(issue.format);
    case 'not_multiple_of':
      return `a multiple of ${issue.divisor}`;
    case 'invalid_union': {
      const words = issue.errors.flatMap(([first]) => (first === undefined ? [] : [expected(first)]));
      return [...new Set(words)].join(' or ') || 'another value';
    }
    case 'invalid_key':
      return 'a key of another form';
    default:
      return 'another value';
  }
}

/** The checker's own words, which are about its types and not about what a person wrote. */
const OWN_WORDS = /^(Invalid|Too (small|big)|Unrecognized|Expected|Required)\b/;

/**
 * What a schema has against a value, for a person: what is expected instead, and for a misspelt word which is meant.
 *
 * Guarantees: words that the schema's author gave are kept; none of the checker's own are among them.
 */
export function issueWords(issue: Issue, found?: unknown, known: readonly string[] = []): string {
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => `there is no key "${key}"${didYouMean(key, known)}`).join('; ');
  if (!OWN_WORDS.test(issue.message)) return issue.message;
  const words = `${expected(issue)} is expected`;
  if (issue.code !== 'invalid_value' || typeof found !== 'string') return words;
  return `${words}${didYouMean(found, issue.values.map(String))}`;
}

/** The value at a place of a document; undefined where there is none. */
export function valueAt(document: unknown, path: readonly PropertyKey[]): unknown {
  let value: unknown = document;
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Readonly<Record<PropertyKey, unknown>>)[key];
  }
  return value;
}

const SHOWN_MAX = 80;

/** What stands behind the host of an address, or before it, may be a secret. */
const ADDRESS = /(https?:\/\/)(?:[^\s/?#"']*@)?([^\s/?#"'@]*)([/?#][^"']*)?/gi;

/** A text with its addresses told by their hosts only. */
function hostsOnly(text: string): string {
  return text.replaceAll(ADDRESS, (whole: string, scheme: string, host: string, rest = '') => {
    const shown = `${scheme}${host}${rest.length > 1 ? '/...' : rest}`;
    return shown.length < whole.length ? shown : whole;
  });
}

/** A value as it stands in a file, shortened; of an address, its host. */
export function shownValue(value: unknown): string {
  if (typeof value === 'number') return String(value);
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch {
    // Nested beyond what can be written out, or led back into itself.
    text = Array.isArray(value) ? 'a list of lists without end' : 'a value that cannot be shown';
  }
  if (text === undefined) return 'nothing';
  text = hostsOnly(text);
  return text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX - 3)}...` : text;
}

/** Keys whose value is a secret, or holds one where it is a text. */
const SECRETS = ['webhook', 'notify'];

/** One sentence on a fault: the key, what was found there and what is expected. */
export function faultText(
  issue: Issue,
  document: unknown,
  options: { prefix?: string; known?: readonly string[] } = {},
): string {
  const { prefix = '', known } = options;
  const key = [...(prefix === '' ? [] : [prefix]), ...issue.path.map(String)].join('.');
  const found = valueAt(document, issue.path);
  const words = issueWords(issue, found, known);
  const name = key === '' ? 'the whole' : key;
  if (issue.code === 'unrecognized_keys') return `${name}: ${words}`;
  if (found === undefined) return `${name} is missing: ${words}`;
  const isSecret = typeof found === 'string' && SECRETS.includes(String(issue.path.at(-1)));
  return `${name} is ${isSecret ? 'another text' : shownValue(found)}: ${words}`;
}

/** What is wrong with a value that was thrown out by its schema, in one line; undefined for any other error. */
export function schemaErrorText(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('issues' in error) || !Array.isArray(error.issues)) return undefined;
  const issues = error.issues as readonly Issue[];
  return issues
    .slice(0, 5)
    .map((issue) => `${issue.path.map(String).join('.') || 'the whole'}: ${issueWords(issue)}`)
    .join('; ');
}

/** The longest line about a fault, and the most lines of one file. Units: characters, lines. */
const LINE_MAX = 1_000;
const LINES_MAX = 40;

/** Lines for a person, each of bounded length, and no more than a screenful of them. */
export function boundedLines(lines: readonly string[]): readonly string[] {
  const told = lines
    .slice(0, LINES_MAX)
    .map((line) => (line.length > LINE_MAX ? `${line.slice(0, LINE_MAX - 3)}...` : line));
  return lines.length > LINES_MAX ? [...told, `and ${lines.length - LINES_MAX} more`] : told;
}
