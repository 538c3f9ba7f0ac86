/** A digit run that a double may not hold: 16 digits and more. */
const LONG_INTEGER = /(?:^|[^"\d.\w+-])-?\d{16,}/;
const STRING_OR_LONG_INTEGER = /"(?:[^"\\]|\\.)*"|(?<![\d.eE+-])-?\d{16,}(?![\d.eE])/g;

/**
 * Parse JSON so that integers beyond 2^53 keep all their digits: they become strings.
 *
 * Guarantees: stream positions, which Box sends as 64-bit numbers, arrive exactly.
 * Errors: SyntaxError, as JSON.parse.
 */
export function parseExactJson(text: string): unknown {
  if (!LONG_INTEGER.test(text)) return JSON.parse(text);
  // Strings are matched first, so that digits inside them stay untouched.
  const quoted = text.replace(STRING_OR_LONG_INTEGER, (token) =>
    token.startsWith('"') || Number.isSafeInteger(Number(token)) ? token : `"${token}"`,
  );
  return JSON.parse(quoted);
}
