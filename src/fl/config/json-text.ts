/** Where the letters of a JSON text are that stand in none of its strings. Guarantees: takes time in proportion to the text. */
export function* outsideStrings(text: string): Generator<number> {
  let isString = false;
  for (let at = 0; at < text.length; at += 1) {
    const letter = text[at];
    if (letter === '"') isString = !isString;
    else if (!isString) yield at;
    else if (letter === '\\') at += 1;
  }
}

/** Whether a value is one of keys and values: no list, and not nothing. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
