/** What stands between what is said of a program and what it said itself, line by line. */
const LAST_WORDS = '; its last words:\n';

/** A program's last words as they follow what is said of it; empty for a program that said nothing. */
export const quotedLastWords = (words: string) => (words === '' ? '' : `${LAST_WORDS}${words}`);

/** What is said of a program, and what it said itself; empty where it is not quoted. */
export function splitLastWords(message: string): { readonly said: string; readonly words: string } {
  const [said = '', ...words] = message.split(LAST_WORDS);
  return { said, words: words.join(LAST_WORDS) };
}
