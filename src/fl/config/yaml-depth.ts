/** Deeper than this no configuration goes, in YAML or JSON; parsers call themselves for each level. */
export const DEPTH_MAX = 200;
/** The widest indentation: two columns a level, and some room. Units: columns. */
const INDENT_MAX = 2_000;
/** Entries that begin on one line, each within the one before. */
const CHAIN = /(?:[-?:]\s+){200}/;

/** Where an alias may begin; each may stand for others, and the parser counts them all again. */
const ALIAS = /(?:^|[\s[\]{},:?-])\*\S/gm;
const ALIASES_MAX = 200;

/** The deepest that brackets stand within each other, wherever they stand. */
function bracketDepth(text: string): number {
  let depth = 0;
  let deepest = 0;
  for (const letter of text) {
    if (letter === '[' || letter === '{') depth += 1;
    else if ((letter === ']' || letter === '}') && depth > 0) depth -= 1;
    deepest = Math.max(deepest, depth);
  }
  return deepest;
}

/**
 * Refuse a YAML text that is nested beyond all sense: the parser would run out of stack, or end the process.
 *
 * Errors: RangeError, in words for a person.
 */
export function assertShallow(text: string): void {
  const isWide = text
    .split('\n')
    .some((line) => line.length > INDENT_MAX && /^ *$/.test(line.slice(0, INDENT_MAX)));
  if (isWide || CHAIN.test(text) || bracketDepth(text) > DEPTH_MAX)
    throw new RangeError(`it is nested deeper than ${DEPTH_MAX} levels`);
  const aliases = text.match(ALIAS)?.length ?? 0;
  if (aliases > ALIASES_MAX) throw new RangeError(`it has more than ${ALIASES_MAX} aliases (*name)`);
}
