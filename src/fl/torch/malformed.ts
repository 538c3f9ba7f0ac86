import { CorruptError, type ErrorData } from '../../errors.ts';

/** Build the error for a checkpoint that is not what it claims to be; `code` says which claim failed. */
export function malformed(code: string, message: string, data: ErrorData = {}): CorruptError {
  return new CorruptError({ code, message, data });
}

/** A name from a file as it may stand in a message: quoted, control characters escaped, shortened. */
export function quoted(name: unknown): string {
  const text = JSON.stringify(typeof name === 'bigint' ? name.toString() : name) ?? 'nothing';
  return text.length > 120 ? `${text.slice(0, 117)}..."` : text;
}
