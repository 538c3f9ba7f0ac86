import { schemaErrorText } from './issue-words.ts';
import { systemWords } from './system-words.ts';

/** The serialisable facts of an error: never a secret, never file content. */
export type ErrorData = Readonly<Record<string, unknown>>;

interface MilaErrorOptions {
  /** Machine-readable reason, in kebab-case; stable across releases. */
  readonly code: string;
  /** One clear line for a person: what is wrong. */
  readonly message: string;
  /** What the person can do about it, with the command to type where there is one. */
  readonly hint?: string;
  readonly data?: ErrorData;
  readonly cause?: unknown;
}

/** The root of every expected error: classes are named by what the caller must do. */
export class MilaError extends Error {
  readonly code: string;
  readonly hint: string | undefined;
  readonly data: ErrorData;

  constructor(options: MilaErrorOptions) {
    super(options.message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = options.code;
    this.hint = options.hint;
    this.data = options.data ?? {};
  }
}

/** Tell the user: usage or configuration is wrong (exit 2). */
export class ConfigError extends MilaError {}

interface TransientErrorOptions extends MilaErrorOptions {
  /** How long the other side asked to be left alone. Units: milliseconds. */
  readonly retryAfterMs?: number;
  /** True when the request may have taken effect although its answer was lost. */
  readonly effectUnknown?: boolean;
}

/** Try again later: rate limit, server fault, network (exit 5 when it does not end). */
export class TransientError extends MilaError {
  readonly retryAfterMs: number | undefined;
  readonly effectUnknown: boolean;

  constructor(options: TransientErrorOptions) {
    super(options);
    this.retryAfterMs = options.retryAfterMs;
    this.effectUnknown = options.effectUnknown ?? false;
  }
}

/** Stop and ask: authentication or permission is missing (exit 3). */
export class AuthError extends MilaError {}

/** The world moved since the decision: observe and plan again. */
export class StaleError extends MilaError {}

/** This entry never goes through as it is: name, size, permission; becomes a reported problem. */
export class RejectedError extends MilaError {}

/** Disk or quota is full: pause, and go on by itself when there is room. */
export class FullError extends MilaError {}

/** Stored or received bytes are not what they claim to be (index, checkpoint, zip, pickle). */
export class CorruptError extends MilaError {}

/** The federation cannot go on as asked: too few updates, shapes differ, cut off, closed (exit 6). */
export class RoundError extends MilaError {}

/** The local state refuses: another mount runs, nothing mounted, directory not empty (exit 4). */
export class StateError extends MilaError {}

/** Stop, and say what goes on how: a person asked for it (exit 130). */
export class InterruptedError extends MilaError {}

/** A bug of this program: never caught on the way up. */
export class InvariantError extends MilaError {}

/** Read the `code` of a Node system error, if the value is one. */
export function errnoOf(error: unknown): string | undefined {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code;
  return undefined;
}

/** True for what the operating system refused (EIO, EACCES, ENOSPC ...), as against the program's own errors. */
export function isSystemError(error: unknown): boolean {
  return /^E[A-Z0-9]+$/.test(errnoOf(error) ?? '');
}

/**
 * Describe any thrown value in one line, without its stack.
 *
 * Guarantees: what the system or a schema refused is told in plain words, with the path.
 */
export function messageOf(error: unknown): string {
  const words = systemWords(error);
  if (words === undefined)
    return schemaErrorText(error) ?? (error instanceof Error ? error.message : String(error));
  return words.path === undefined ? words.reason : `${words.path}: ${words.reason}`;
}

/** As `messageOf`, for a sentence that names the path already. */
export function reasonOf(error: unknown): string {
  return systemWords(error)?.reason ?? messageOf(error);
}
