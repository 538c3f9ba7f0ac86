/** A name to stand under for a moment. Bounded so that no name limit is hit; no reader's glob matches it. */
export function passingName(name: string, id: string): string {
  return `.${name.slice(0, 100)}.${id}.mila-swap`;
}
