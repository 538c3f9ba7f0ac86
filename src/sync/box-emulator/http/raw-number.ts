import { randomUUID } from 'node:crypto';

/** Unguessable, so that no text of a user is ever taken for a number. */
const MARK = randomUUID();
const MARKED = new RegExp(`"${MARK}:([-+.0-9eE]+)"`, 'g');

/** A JSON number given by its digits, where JavaScript's own number would lose or change them. */
export class RawNumber {
  readonly #digits: string;

  constructor(digits: string) {
    this.#digits = digits;
  }

  toJSON(): string {
    return `${MARK}:${this.#digits}`;
  }
}

/** `JSON.stringify` that writes each `RawNumber` with exactly its digits. */
export function stringifyJson(value: unknown): string {
  const json = JSON.stringify(value);
  return json.includes(MARK) ? json.replaceAll(MARKED, '$1') : json;
}
