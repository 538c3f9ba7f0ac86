import { outsideStrings } from '../config/json-text.ts';

/** What Python writes for numbers that JSON does not know. */
const PYTHON_NUMBER = /-?Infinity|NaN/y;

/** The text with Python's own numbers as strings; what stands in strings stays. */
function withoutPythonNumbers(text: string): string {
  const pieces: string[] = [];
  let from = 0;
  for (const at of outsideStrings(text)) {
    PYTHON_NUMBER.lastIndex = at;
    const [number] = at < from ? [] : (PYTHON_NUMBER.exec(text) ?? []);
    if (number === undefined) continue;
    pieces.push(text.slice(from, at), `"${number}"`);
    from = at + number.length;
  }
  return [...pieces, text.slice(from)].join('');
}

/** Parse JSON as Python writes it: numbers that JSON does not know become strings. Errors: SyntaxError. */
export function parsePythonJson(text: string): unknown {
  return JSON.parse(withoutPythonNumbers(text.replace(/^\uFEFF/, '')));
}
