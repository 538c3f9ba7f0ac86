/** A text between quotation marks that a shell takes literally. */
export function quotedWord(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** A word as a shell takes it: as it is where that is safe, else between quotation marks. */
export function shellWord(word: string): string {
  return /^[\w./:=@,+-]+$/.test(word) ? word : quotedWord(word);
}
