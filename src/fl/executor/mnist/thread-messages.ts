import {
  AuthError,
  ConfigError,
  CorruptError,
  type ErrorData,
  FullError,
  MilaError,
  messageOf,
  RoundError,
  StateError,
} from '../../../errors.ts';
import type { Metrics } from '../executor.ts';
import type { MnistConfiguration } from './configuration.ts';

/** What a training thread is started for. Plain data, so that it crosses the border between threads. */
export type ThreadJob =
  | {
      readonly kind: 'train';
      readonly configuration: MnistConfiguration;
      readonly round: number;
      readonly startCheckpointPath: string | null;
      readonly checkpointPath: string;
    }
  | { readonly kind: 'evaluate'; readonly checkpointPath: string };

/** What a training thread says. */
export type ThreadReport =
  | { readonly kind: 'progress'; readonly fraction: number; readonly metrics: Metrics }
  | { readonly kind: 'done'; readonly samples: number; readonly metrics: Metrics }
  | { readonly kind: 'failed'; readonly error: ErrorFacts };

/** The only thing that is said to a training thread after its start. */
export const STOP = 'stop';

/** An error as data: classes do not cross the border between threads. */
export interface ErrorFacts {
  readonly name: string;
  readonly code: string;
  readonly message: string;
  readonly hint: string | null;
  readonly data: ErrorData;
}

const CLASSES = { AuthError, ConfigError, CorruptError, FullError, RoundError, StateError } as const;

function isKnown(name: string): name is keyof typeof CLASSES {
  return Object.hasOwn(CLASSES, name);
}

export function factsOf(error: unknown): ErrorFacts {
  if (error instanceof MilaError)
    return {
      name: error.name,
      code: error.code,
      message: error.message,
      hint: error.hint ?? null,
      data: JSON.parse(JSON.stringify(error.data)),
    };
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  return { name: 'Error', code: 'training-failed', message: messageOf(error), hint: null, data: { stack } };
}

/** The error again, of its own class where the caller must do something particular. */
export function errorOf({ name, code, message, hint, data }: ErrorFacts): MilaError {
  const Class = isKnown(name) ? CLASSES[name] : RoundError;
  return new Class({ code, message, data, ...(hint === null ? {} : { hint }) });
}
