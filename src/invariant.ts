import { InvariantError } from './errors.ts';

/**
 * Assert what must hold if this program is right.
 *
 * Errors: InvariantError 'invariant'; a failure is a bug and is never caught on the way up.
 */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new InvariantError({ code: 'invariant', message });
}

/** Make the compiler prove that every kind of a union was handled. */
export function unreachable(value: never): never {
  throw new InvariantError({ code: 'unreachable', message: `unexpected value ${JSON.stringify(value)}` });
}
