/** The farthest a misspelling may be from the key that is suggested for it. Units: edits. */
const SUGGESTION_DISTANCE_MAX = 4;

/** The number of single-character insertions, deletions and replacements between two words. */
export function editDistance(left: string, right: string): number {
  let previous = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (const [row, letter] of [...left].entries()) {
    const current = [row + 1];
    for (const [column, other] of [...right].entries()) {
      const replaced = (previous[column] ?? 0) + (letter === other ? 0 : 1);
      current.push(Math.min(replaced, (previous[column + 1] ?? 0) + 1, (current[column] ?? 0) + 1));
    }
    previous = current;
  }
  return previous.at(-1) ?? 0;
}

/** The known key that is most like `key`; undefined when none is. */
export function nearestKey(key: string, known: readonly string[]): string | undefined {
  const ranked = known
    .map((candidate) => ({ candidate, distance: editDistance(key.toLowerCase(), candidate.toLowerCase()) }))
    .sort((left, right) => left.distance - right.distance);
  const best = ranked[0];
  const limit = Math.min(SUGGESTION_DISTANCE_MAX, Math.ceil(key.length / 2));
  return best !== undefined && best.distance <= limit ? best.candidate : undefined;
}

/** A line for each key that nobody knows, with the nearest known one. */
export function unknownKeyWarnings(
  document: Readonly<Record<string, unknown>>,
  known: readonly string[],
  prefix = '',
): readonly string[] {
  return Object.keys(document)
    .filter((key) => !known.includes(key))
    .map((key) => {
      const nearest = nearestKey(key, known);
      const suggestion = nearest === undefined ? '' : `; did you mean ${prefix}${nearest}?`;
      return `unknown key ${prefix}${key} is ignored${suggestion}`;
    });
}
