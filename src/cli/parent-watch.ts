import type { Readable, Writable } from 'node:stream';
import { outputStreams } from './output.ts';

/** The variable that a parent sets to have its child leave with it; `--exit-with-parent` means the same. */
export const EXIT_WITH_PARENT = 'MILA_EXIT_WITH_PARENT';

interface ParentWatchOptions {
  /** True when the command was given `--exit-with-parent`. */
  readonly flag?: boolean;
  readonly environment?: NodeJS.ProcessEnv;
  /** The pipe whose other end the parent holds. */
  readonly input?: Readable;
  /** Where this process's words go; with the parent gone, nobody reads them. */
  readonly outputs?: readonly Writable[];
}

/** Ends the watch; idempotent. */
export interface ParentWatch {
  dispose(): void;
}

/**
 * Stop in order when the parent process is gone, however it ended.
 *
 * A parent that asks for it (by variable or flag) holds the other end of this process's standard input. The system
 * closes that end even when the parent is killed, which no signal handler of the parent could promise.
 * Guarantees: does nothing unless asked for; never keeps the process alive by itself.
 */
export function stopWithParent(controller: AbortController, options: ParentWatchOptions = {}): ParentWatch {
  const { flag = false, environment = process.env, input = process.stdin } = options;
  const { outputs = outputStreams() } = options;
  if (!flag && environment[EXIT_WITH_PARENT] !== '1') return { dispose() {} };
  const leave = () => controller.abort();
  const events = ['end', 'close', 'error'] as const;
  for (const event of events) input.on(event, leave);
  // Whoever read the key from there may have seen the end already.
  if (input.readableEnded || input.destroyed) leave();
  // The last words of an orderly stop find a broken pipe, which must not end the stop half-way; never taken off again,
  // because a write may fail long after the watch has ended.
  for (const output of outputs) output.on('error', leave);
  // Nothing is ever sent; flowing is what makes the end seen.
  input.resume();
  if ('unref' in input && typeof input.unref === 'function') input.unref();
  return {
    dispose() {
      for (const event of events) input.off(event, leave);
      input.pause();
    },
  };
}
