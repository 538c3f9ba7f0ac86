import { Worker } from 'node:worker_threads';
import { StaleError } from '../../errors.ts';
import { workerScript } from '../../worker-script.ts';
import type { ElementJob, ElementResult } from './element-job.ts';

/** What a thread is given to do. Crosses threads. */
export interface WorkerOrder {
  readonly jobs: readonly ElementJob[];
  /** Two int32: the next job's index; non-zero to stop. */
  readonly counters: SharedArrayBuffer;
}

/** How a thread is set up. Crosses threads. */
export interface WorkerSetup {
  readonly vectors: boolean;
}

export type WorkerAnswer =
  | {
      readonly kind: 'result';
      readonly index: number;
      readonly result: ElementResult;
      readonly bytes: number;
    }
  | { readonly kind: 'done' }
  | { readonly kind: 'failed'; readonly message: string };

export type ResultAnswer = WorkerAnswer & { readonly kind: 'result' };

/**
 * A thread that works through one order after another.
 *
 * Guarantees: when `run` settles, the thread uses no file of that order any more. Errors: StaleError 'changed'.
 */
export class JobThread {
  readonly #worker: Worker;
  #settle: ((failure?: unknown) => void) | undefined;
  #onResult: (answer: ResultAnswer) => void = () => {};
  #ended: { readonly error: unknown } | undefined;

  /** Start the thread; orders may follow at once. From sources, a loader of TypeScript must be given to it. */
  constructor(setup: WorkerSetup) {
    this.#worker = new Worker(workerScript(import.meta.url, 'job-worker'), {
      workerData: setup,
      resourceLimits: { maxYoungGenerationSizeMb: 2 },
    });
    this.#worker.on('message', (answer: WorkerAnswer) => this.#hear(answer));
    this.#worker.on('error', (error) => this.#end(error));
    this.#worker.on('exit', () => this.#end(new Error('a thread of the aggregation ended early')));
  }

  run(order: WorkerOrder, onResult: (answer: ResultAnswer) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#ended !== undefined) return reject(this.#ended.error);
      this.#onResult = onResult;
      this.#settle = (failure) => {
        this.#settle = undefined;
        if (failure === undefined) resolve();
        else reject(failure);
      };
      this.#worker.postMessage(order);
    });
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }

  #hear(answer: WorkerAnswer): void {
    if (answer.kind === 'result') this.#onResult(answer);
    else if (answer.kind === 'done') this.#settle?.();
    else this.#settle?.(new StaleError({ code: 'changed', message: answer.message }));
  }

  #end(error: unknown): void {
    this.#ended ??= { error };
    this.#settle?.(error);
  }
}
