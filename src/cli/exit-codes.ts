import {
  AuthError,
  ConfigError,
  CorruptError,
  FullError,
  InterruptedError,
  MilaError,
  RoundError,
  StaleError,
  StateError,
  TransientError,
} from '../errors.ts';
import { systemWords } from '../system-words.ts';

/** What each exit code of both programs promises to scripts. */
export const EXIT = {
  done: 0,
  fault: 1,
  usage: 2,
  permission: 3,
  state: 4,
  unreachable: 5,
  unsuccessful: 6,
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Which exit code an error that reached the top means. */
export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof ConfigError) return EXIT.usage;
  if (error instanceof AuthError) return EXIT.permission;
  const refusals = [StateError, CorruptError, FullError, StaleError];
  if (refusals.some((refusal) => error instanceof refusal)) return EXIT.state;
  if (error instanceof TransientError) return EXIT.unreachable;
  if (error instanceof RoundError) return EXIT.unsuccessful;
  if (error instanceof InterruptedError) return EXIT.interrupted;
  if (error instanceof MilaError) return EXIT.fault;
  // A path that is not there, a full or read-only disk: the machine's state, not a bug of ours.
  return systemWords(error) === undefined ? EXIT.fault : EXIT.state;
}
