import { setMaxListeners } from 'node:events';

/**
 * The error that says "the caller gave up", whatever reason the caller named.
 *
 * Guarantees: `name` is 'AbortError'.
 */
export function abortError(signal?: AbortSignal): Error {
  const reason: unknown = signal?.reason;
  if (reason instanceof Error && reason.name === 'AbortError') return reason;
  const error = new DOMException('The operation was aborted', 'AbortError');
  return reason === undefined ? error : Object.assign(error, { cause: reason });
}

/** Stop here when the caller gave up. Errors: AbortError. */
export function throwIfAborted(signal?: AbortSignal): void {
  if (signal?.aborted) throw abortError(signal);
}

/** Whether a caught value is an abort and nothing else. */
export function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError';
}

/** Let one caller stop waiting for work that others share; the work itself goes on. Errors: AbortError. */
export function abandonable<T>(work: Promise<T>, signal?: AbortSignal): Promise<T> {
  if (signal === undefined) return work;
  if (signal.aborted) return Promise.reject(abortError(signal));
  return new Promise<T>((resolve, reject) => {
    const stop = onAbort(signal, () => reject(abortError(signal)));
    work.then(resolve, reject).finally(stop);
  });
}

/**
 * Call back when the signal aborts, at once if it has. Returns how to stop listening.
 *
 * Guarantees: nothing stays behind on a signal that lives as long as the program.
 */
export function onAbort(signal: AbortSignal | undefined, callback: () => void): () => void {
  if (signal === undefined) return () => {};
  if (signal.aborted) {
    callback();
    return () => {};
  }
  expectManyListeners(signal);
  signal.addEventListener('abort', callback, { once: true });
  return () => signal.removeEventListener('abort', callback);
}

/** Many calls at once may hang on one signal; that is no leak, and Node need not warn of one. */
export function expectManyListeners(signal: AbortSignal | undefined): void {
  if (signal !== undefined) setMaxListeners(0, signal);
}

/** An abort of one's own that also follows its callers' signals, until released. */
export class LinkedAbort {
  readonly #controller = new AbortController();
  readonly #unlink: readonly (() => void)[];

  constructor(...callers: readonly (AbortSignal | undefined)[]) {
    this.#unlink = callers.map((caller) => onAbort(caller, () => this.abort(caller?.reason)));
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  abort(reason?: unknown): void {
    this.#controller.abort(reason);
  }

  release(): void {
    for (const unlink of this.#unlink) unlink();
  }
}
