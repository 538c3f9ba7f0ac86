import { invariant } from '../../invariant.ts';
import type { ElementJob, ElementResult } from './element-job.ts';
import { JobRunner } from './job-runner.ts';
import { JobThread, type ResultAnswer } from './job-thread.ts';

export interface PoolOptions {
  /** Threads in all, this one included; it gives way to other work now and then. */
  readonly threads: number;
  /** Use the vector kernel. */
  readonly vectors: boolean;
}

export interface RunOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onBytes?: ((bytes: number) => void) | undefined;
}

/** Below this much input, starting threads costs more than they save. Units: bytes. */
const THREADS_FROM_BYTES = 192 * 1024 * 1024;
/** How long this thread works before other work gets its turn. Units: milliseconds. */
const SLICE_MS = 10;

/**
 * Runs jobs, in threads when there is much to do.
 *
 * Guarantees: results are in the order of the jobs, and the same for any number of threads; when a run settles, no
 * thread uses a file any more; threads once started serve every later run, until `dismiss` or `close`.
 */
export class JobPool {
  readonly #options: PoolOptions;
  readonly #threads: JobThread[] = [];
  readonly #endings: Promise<void>[] = [];

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  /** Tell how much input is to come: where threads will be worth it, they come up meanwhile. Units: bytes. */
  expect(inputBytes: number): void {
    if (inputBytes < THREADS_FROM_BYTES) return;
    while (this.#threads.length < this.#options.threads - 1)
      this.#threads.push(new JobThread({ vectors: this.#options.vectors }));
  }

  /** Errors: those of the jobs; an abort's reason. */
  async run(jobs: readonly ElementJob[], options: RunOptions = {}): Promise<ElementResult[]> {
    const inputBytes = jobs.reduce((sum, job) => sum + job.bytes * job.inputs.length, 0);
    this.expect(inputBytes);
    const { vectors } = this.#options;
    if (inputBytes < THREADS_FROM_BYTES || this.#threads.length === 0) return runHere(jobs, options, vectors);
    return runTogether(this.#threads, jobs, options, vectors);
  }

  /** Let the threads end while other work goes on: likely nothing is left to do. A later run starts new ones. */
  dismiss(): void {
    for (const thread of this.#threads.splice(0)) this.#endings.push(thread.close());
  }

  /** End the threads. Idempotent. */
  async close(): Promise<void> {
    this.dismiss();
    await Promise.all(this.#endings);
  }
}

/** Work through a list of jobs in this thread, giving way to other work now and then. */
async function runHere(
  jobs: readonly ElementJob[],
  options: RunOptions,
  vectors: boolean,
): Promise<ElementResult[]> {
  const results: ElementResult[] = [];
  let next = 0;
  const keep = (index: number, result: ElementResult) => {
    results[index] = result;
  };
  await workHere({ jobs, options, vectors, take: () => next++, keep });
  return results;
}

interface LocalWork {
  readonly jobs: readonly ElementJob[];
  readonly options: RunOptions;
  readonly vectors: boolean;
  /** The index of the next job. */
  readonly take: () => number;
  readonly keep: (index: number, result: ElementResult) => void;
}

async function workHere({ jobs, options, vectors, take, keep }: LocalWork): Promise<void> {
  const runner = new JobRunner(vectors);
  let sliceStart = performance.now();
  for (;;) {
    const index = take();
    const job = jobs[index];
    if (job === undefined) return;
    const steps = runner.run(job);
    let step = steps.next();
    while (step.done !== true) {
      options.onBytes?.(step.value);
      if (performance.now() - sliceStart > SLICE_MS) {
        await new Promise((resolve) => setImmediate(resolve));
        options.signal?.throwIfAborted();
        sliceStart = performance.now();
      }
      step = steps.next();
    }
    keep(index, step.value);
  }
}

async function runTogether(
  threads: readonly JobThread[],
  jobs: readonly ElementJob[],
  options: RunOptions,
  vectors: boolean,
): Promise<ElementResult[]> {
  const counters = new SharedArrayBuffer(8);
  const shared = new Int32Array(counters);
  const results = new Array<ElementResult | undefined>(jobs.length);
  const keep = (index: number, result: ElementResult) => {
    results[index] = result;
  };
  const stop = () => void Atomics.store(shared, 1, 1);
  const stopping = (error: unknown) => {
    stop();
    throw error;
  };
  options.signal?.addEventListener('abort', stop, { once: true });
  if (options.signal?.aborted) stop();
  const onResult = (answer: ResultAnswer) => {
    keep(answer.index, answer.result);
    options.onBytes?.(answer.bytes);
  };
  // This thread works as well: one isolate less, and its memory. It stops taking jobs when another one failed.
  const take = () => (Atomics.load(shared, 1) === 0 ? Atomics.add(shared, 0, 1) : jobs.length);
  // All threads are done before an error is passed on: they use descriptors that the caller will close.
  const endings = await Promise.allSettled([
    ...threads.map((thread) => thread.run({ jobs, counters }, onResult).catch(stopping)),
    workHere({ jobs, options, vectors, take, keep }).catch(stopping),
  ]);
  options.signal?.removeEventListener('abort', stop);
  options.signal?.throwIfAborted();
  for (const ending of endings) if (ending.status === 'rejected') throw ending.reason;
  return results.map((result) => {
    invariant(result !== undefined, 'every job has a result');
    return result;
  });
}
