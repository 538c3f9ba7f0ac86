/** The farthest a misspelling may be from the name that is suggested for it. Units: edits. */
const SUGGESTION_DISTANCE_MAX = 4;
/** Longer words are compared no further: a person's slip is near the beginning too. Units: characters. */
const COMPARED_MAX = 128;
const SUGGESTIONS_MAX = 3;

/**
 * The number of single-character insertions, deletions, replacements and swaps of neighbours between two words.
 *
 * Source: optimal string alignment, after Damerau 1964.
 */
export function editDistance(left: string, right: string): number {
  const [from, to] = [[...left.slice(0, COMPARED_MAX)], [...right.slice(0, COMPARED_MAX)]];
  let before: readonly number[] = [];
  let previous: readonly number[] = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (const [row, letter] of from.entries()) {
    const current = [row + 1];
    for (const [column, other] of to.entries()) {
      const replaced = (previous[column] ?? 0) + (letter === other ? 0 : 1);
      const isSwap = row > 0 && column > 0 && letter === to[column - 1] && from[row - 1] === other;
      const swapped = isSwap ? (before[column - 1] ?? 0) + 1 : Number.POSITIVE_INFINITY;
      current.push(Math.min(replaced, swapped, (previous[column + 1] ?? 0) + 1, (current[column] ?? 0) + 1));
    }
    before = previous;
    previous = current;
  }
  return previous.at(-1) ?? 0;
}

/** The known names that are most like `word`, the likest first; none when none is. */
export function nearestNames(word: string, known: readonly string[]): readonly string[] {
  const limit = Math.min(SUGGESTION_DISTANCE_MAX, Math.ceil(word.length / 2));
  const lower = word.toLowerCase();
  // A difference in length alone takes so many edits.
  const comparable = [...new Set(known)].filter((name) => Math.abs(name.length - word.length) <= limit);
  const distances = comparable.map((name) => ({
    name,
    distance: editDistance(lower, name.toLowerCase()),
  }));
  const near = distances.filter(({ distance }) => distance <= limit);
  near.sort((left, right) => left.distance - right.distance);
  const best = near[0]?.distance ?? 0;
  return near
    .filter(({ distance }) => distance <= best + 1)
    .slice(0, SUGGESTIONS_MAX)
    .map(({ name }) => name);
}

/** True for a word that is most likely a slip of the pen for `name`: one edit in four letters, letter case apart. */
export function isSlipOf(word: string, name: string): boolean {
  const limit = Math.max(1, Math.min(3, Math.floor(name.length / 4)));
  return editDistance(word.toLowerCase(), name.toLowerCase()) <= limit;
}

/** "; did you mean x?" with the likest of the known names; empty when none is like it. */
export function didYouMean(word: string, known: readonly string[]): string {
  const names = nearestNames(word, known);
  return names.length === 0 ? '' : `; did you mean ${names.join(' or ')}?`;
}
