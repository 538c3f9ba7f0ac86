import { CorruptError, type ErrorData } from '../../errors.ts';

/** Longest part of a name that a message shows. Units: UTF-16 code units. */
const SHOWN_MAX = 120;

/** Build the error for a checkpoint that is not what it claims to be; `code` says which claim failed. */
export function malformed(code: string, message: string, data: ErrorData = {}): CorruptError {
  return new CorruptError({ code, message, data });
}

/**
 * A name from a file as it may stand in a message: quoted, control characters escaped, shortened.
 *
 * Guarantees: work and result are short, however long or deep what stands in the file in the name's place.
 */
export function quoted(name: unknown): string {
  if (typeof name === 'object' && name !== null) return 'kind' in name ? `a ${String(name.kind)}` : 'bytes';
  if (typeof name !== 'string') return name === undefined ? 'nothing' : String(name);
  // Shortened first: a name of megabytes would be escaped whole.
  const text = JSON.stringify(name.slice(0, SHOWN_MAX));
  return text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX - 3)}..."` : text;
}
