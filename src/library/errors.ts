/** `mila-sync/errors`: what the other parts of the library throw, named by what the caller must do. */
export {
  AuthError,
  ConfigError,
  CorruptError,
  type ErrorData,
  FullError,
  InterruptedError,
  InvariantError,
  MilaError,
  RejectedError,
  RoundError,
  StaleError,
  StateError,
  TransientError,
} from '../errors.ts';
