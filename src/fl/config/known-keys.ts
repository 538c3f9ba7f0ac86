import { isSlipOf, nearestNames } from '../../nearest-name.ts';

/** The known key that is most like `key`; undefined when none is. */
export function nearestKey(key: string, known: readonly string[]): string | undefined {
  return nearestNames(key, known)[0];
}

/** A key of a file that nobody knows. */
export interface UnknownKey {
  /** From the top of the file, with dots. */
  readonly key: string;
  /** The known one that is most like it; undefined when none is. */
  readonly nearest: string | undefined;
  /** True when it can hardly be anything but that one, misspelt: what it says would be lost without a word. */
  readonly isSlip: boolean;
}

/** Nobody misspells more keys than these: a file of thousands is none of ours, and is not to be pondered for seconds. */
const COMPARED_MAX = 200;

/** The keys that nobody knows. */
export function unknownKeysOf(
  document: Readonly<Record<string, unknown>>,
  known: readonly string[],
  prefix = '',
): readonly UnknownKey[] {
  return Object.keys(document)
    .filter((key) => !known.includes(key))
    .map((key, index) => {
      const nearest = index < COMPARED_MAX ? nearestKey(key, known) : undefined;
      return {
        key: `${prefix}${key}`,
        nearest: nearest === undefined ? undefined : `${prefix}${nearest}`,
        isSlip: nearest !== undefined && isSlipOf(key, nearest),
      };
    });
}

/** A line for a key that nobody knows. */
export function unknownKeyText({ key, nearest, isSlip }: UnknownKey): string {
  const suggestion = nearest === undefined ? '' : `; did you mean ${nearest}?`;
  return isSlip ? `unknown key ${key}${suggestion}` : `unknown key ${key} is ignored${suggestion}`;
}
