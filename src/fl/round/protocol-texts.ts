/** What an authentication file says: nothing yet, yes, no, or something nobody should have written. */
export type Answer = 'none' | 'authenticated' | 'error' | 'other';

/** The longest content of a control file that is ever read. Units: bytes. */
export const CONTROL_FILE_MAX_BYTES = 65_536;

/** Read an authentication file's content as kMoL's client does: by its first word, whatever its case. */
export function parseAnswer(content: string): Answer {
  const text = content.trim();
  if (text === '') return 'none';
  const word = text.split(/\s+/, 1)[0]?.toLowerCase();
  if (word === 'authenticated') return 'authenticated';
  return word === 'error' ? 'error' : 'other';
}

export const authenticatedText = (token: string) => `Authenticated - Token ${token}`;
export const REGISTRATION_CLOSED_TEXT = 'Error - Authentication failed... Registration is closed.';
export const refusalText = (reason: string) => `Error - Authentication failed... ${reason}`;
export const lostText = (round: number) => `lost connection on round ${round}`;
export const STOPPED_BY_USER_TEXT = 'Training stop by user';
export const FINISHED_WORDS = 'Training finished';

/** Unix time as Python prints a float. Units: `atMs` in milliseconds; the text in seconds. */
export function unixSecondsText(atMs: number): string {
  const text = String(atMs / 1000);
  return text.includes('.') ? text : `${text}.0`;
}

/**
 * What stands in server_ended.txt: how the run ended, and when. Units: `atMs` in milliseconds since 1970.
 *
 * Guarantees: its first line is kMoL's own; the last word is the time, after a success on the same line as in kMoL,
 * after a reason on a line of its own.
 */
export function endedText(words: string, atMs: number): string {
  return `${words.trimEnd()}${words === FINISHED_WORDS ? ' ' : '\n'}${unixSecondsText(atMs)}`;
}

/**
 * What a server_ended.txt says to a person: its first line, without the time in Unix seconds that stands behind the
 * words of a success.
 */
export function endingWords(text: string): string {
  const line = text.trim().split('\n', 1)[0]?.trim() ?? '';
  return line.startsWith(`${FINISHED_WORDS} `) ? FINISHED_WORDS : line;
}
