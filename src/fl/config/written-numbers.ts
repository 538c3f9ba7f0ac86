import { isLosslessNumber, LosslessNumber, parse, stringify } from 'lossless-json';
import { type Document, isScalar, visit } from 'yaml';
import { outsideStrings } from './json-text.ts';
import { DEPTH_MAX } from './yaml-depth.ts';

/** How JSON writes a number. Source: RFC 8259, 6. */
const JSON_NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
/** The indentation of the configurations that are written. Units: spaces. */
const INDENT = 2;

/**
 * Parse JSON so that its numbers stay as they were written: `1.0` is not `1` to a program that tells a share from a count,
 * and a seed may have more digits than a JavaScript number.
 *
 * Guarantees: of a key that stands twice, the last counts, as in `JSON.parse` and in Python.
 * Errors: SyntaxError, also for values that lie too deep in each other.
 */
export function parseAsWritten(text: string): unknown {
  if (depthOf(text) > DEPTH_MAX)
    throw new SyntaxError(`values lie more than ${DEPTH_MAX} deep in each other`);
  return parse(text, null, { onDuplicateKey: ({ newValue }) => newValue });
}

/** How deep the brackets of a JSON text lie in each other; those in strings are none. */
function depthOf(text: string): number {
  let depth = 0;
  let deepest = 0;
  for (const at of outsideStrings(text)) {
    const letter = text[at];
    if (letter === '{' || letter === '[') depth += 1;
    else if (letter === '}' || letter === ']') depth -= 1;
    deepest = Math.max(deepest, depth);
  }
  return deepest;
}

/** The JSON of a value of `parseAsWritten`, each number as it was written. */
export function stringifyAsWritten(value: unknown): string {
  return stringify(value, null, INDENT) ?? 'null';
}

/** The same value with numbers that can be calculated with; what lies deeper than `parseAsWritten` reads stays as it is. */
export function withPlainNumbers(value: unknown, depth = 0): unknown {
  if (isLosslessNumber(value)) return Number(value.value);
  if (typeof value !== 'object' || value === null || depth > DEPTH_MAX) return value;
  if (Array.isArray(value)) return value.map((each) => withPlainNumbers(each, depth + 1));
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [key, withPlainNumbers(each, depth + 1)]),
  );
}

/** Let the numbers of a YAML document stay as they were written, where JSON writes them the same way. */
export function keepWrittenNumbers(document: Document): void {
  visit(document, {
    Scalar(_, node) {
      if (!isScalar(node) || typeof node.value !== 'number') return;
      const { source } = node;
      if (source !== undefined && JSON_NUMBER.test(source)) node.value = new LosslessNumber(source);
    },
  });
}
