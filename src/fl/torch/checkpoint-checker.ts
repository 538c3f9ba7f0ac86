import { stat } from 'node:fs/promises';
import { Worker } from 'node:worker_threads';
import { errnoOf, StaleError, StateError } from '../../errors.ts';
import { workerScript } from '../../worker-script.ts';

/** What the thread found. Crosses threads. */
export type CheckAnswer =
  | { readonly kind: 'usable' }
  | { readonly kind: 'unusable'; readonly message: string }
  | { readonly kind: 'changed'; readonly code: string; readonly message: string }
  | {
      readonly kind: 'failed';
      /** True for the program's own error: the file is missing or cannot be read. */
      readonly isState: boolean;
      readonly code: string | null;
      readonly message: string;
    };

type Answer = CheckAnswer | { readonly kind: 'exhausted'; readonly message: string };

/** Why a checkpoint cannot be used. */
export interface CheckProblem {
  readonly reason: string;
  readonly message: string;
}

/** What one check may take. */
export interface CheckLimits {
  /** Of JavaScript objects; buffers are bounded by the codec's own budget. Units: megabytes. */
  readonly heapMegabytes: number;
  /** For any checkpoint. Units: milliseconds. */
  readonly baseMs: number;
  /** On top of it, for each megabyte of the file. Units: milliseconds. */
  readonly perMegabyteMs: number;
}

export const DEFAULT_CHECK_LIMITS: CheckLimits = { heapMegabytes: 512, baseMs: 60_000, perMegabyteMs: 50 };

const MEGABYTE = 1024 * 1024;

/**
 * Checks checkpoints in a thread with limits of its own, one after the other.
 *
 * Guarantees: the caller's thread is never held up; what takes too much memory or time ends that thread, and is that
 * checkpoint's fault alone: the next one gets a new thread. The thread is started by the first check and keeps no
 * program alive.
 */
export class CheckpointChecker {
  readonly #limits: CheckLimits;
  #worker: Worker | undefined;
  #isClosed = false;
  #last: Promise<unknown> = Promise.resolve();

  constructor(limits: CheckLimits = DEFAULT_CHECK_LIMITS) {
    this.#limits = limits;
  }

  /**
   * Why a checkpoint cannot be used; null when it can.
   *
   * Errors: StaleError 'changed'; StateError 'checkpoint-missing' | 'checkpoint-unreadable'; the system's; an abort's
   * reason.
   */
  problemOf(path: string, signal?: AbortSignal): Promise<CheckProblem | null> {
    const turn = this.#last.then(() => this.#check(path, signal));
    this.#last = turn.catch(() => {});
    return turn;
  }

  /** End the thread, for good. A check under way fails. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const worker = this.#worker;
    this.#worker = undefined;
    await worker?.terminate();
  }

  async #check(path: string, signal: AbortSignal | undefined): Promise<CheckProblem | null> {
    signal?.throwIfAborted();
    const { baseMs, perMegabyteMs } = this.#limits;
    const timeMs = Math.ceil(baseMs + ((await stat(path)).size / MEGABYTE) * perMegabyteMs);
    const answer = await this.#ask(path, timeMs, signal);
    switch (answer.kind) {
      case 'usable':
        return null;
      case 'unusable':
        return { reason: 'malformed', message: answer.message };
      case 'exhausted':
        return { reason: 'check-exhausted', message: `the check of this checkpoint ${answer.message}` };
      case 'changed':
        throw new StaleError({ code: answer.code, message: answer.message });
      case 'failed':
        throw failureOf(answer);
    }
  }

  /** Hand a path to the thread and wait for its word, for its end, or for the time. */
  #ask(path: string, timeMs: number, signal: AbortSignal | undefined): Promise<Answer> {
    const worker = this.#startedWorker();
    return new Promise((resolve, reject) => {
      const settle = (finish: () => void, goesOn = false) => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', onAbort);
        worker.removeAllListeners();
        if (goesOn) this.#rest(worker, finish);
        // A thread that is still at work must not answer for the next checkpoint.
        else this.#dismiss(worker, finish);
      };
      const exhausted = (how: string) => settle(() => resolve({ kind: 'exhausted', message: how }));
      const onAbort = () => settle(() => reject(signal?.reason));
      const timer = setTimeout(() => exhausted(`took longer than ${Math.round(timeMs / 1000)} s`), timeMs);
      signal?.addEventListener('abort', onAbort, { once: true });
      worker.removeAllListeners();
      worker.on('message', (answer: CheckAnswer) => settle(() => resolve(answer), true));
      worker.on('error', (error) =>
        isOutOfMemory(error) ? exhausted('ran out of memory') : settle(() => reject(error)),
      );
      worker.on('exit', () =>
        this.#isClosed ? settle(() => reject(closed())) : exhausted('ended the thread that ran it'),
      );
      worker.ref();
      worker.postMessage(path);
    });
  }

  #startedWorker(): Worker {
    if (this.#isClosed) throw closed();
    this.#worker ??= new Worker(workerScript(import.meta.url, 'check-worker'), {
      resourceLimits: { maxOldGenerationSizeMb: this.#limits.heapMegabytes, maxYoungGenerationSizeMb: 32 },
    });
    return this.#worker;
  }

  /** Leave a thread waiting for the next checkpoint; one that ends meanwhile is forgotten. */
  #rest(worker: Worker, then: () => void): void {
    worker.on('error', () => {});
    worker.on('exit', () => {
      if (this.#worker === worker) this.#worker = undefined;
    });
    worker.unref();
    then();
  }

  /** End a thread, and go on when it is gone. */
  #dismiss(worker: Worker, then: () => void): void {
    if (this.#worker === worker) this.#worker = undefined;
    // Whatever it still says has nobody to say it to.
    worker.on('error', () => {});
    void worker.terminate().then(then, then);
  }
}

function closed(): StaleError {
  return new StaleError({ code: 'closed', message: 'the checks of checkpoints were ended' });
}

function isOutOfMemory(error: unknown): boolean {
  return errnoOf(error) === 'ERR_WORKER_OUT_OF_MEMORY';
}

/** The thread's error, as it would have been thrown here. */
function failureOf({ isState, code, message }: Extract<CheckAnswer, { kind: 'failed' }>): Error {
  if (isState) return new StateError({ code: code ?? 'checkpoint-unreadable', message });
  return Object.assign(new Error(message), code === null ? {} : { code });
}
