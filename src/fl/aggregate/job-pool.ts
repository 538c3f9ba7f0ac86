import { Worker } from 'node:worker_threads';
import { StaleError } from '../../errors.ts';
import { invariant } from '../../invariant.ts';
import type { ElementJob, ElementResult } from './element-job.ts';
import { JobRunner } from './job-runner.ts';

/** What a worker is given. Crosses threads. */
export interface WorkerOrder {
  readonly jobs: readonly ElementJob[];
  /** Two int32: the next job's index; non-zero to stop. */
  readonly counters: SharedArrayBuffer;
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

export interface PoolOptions {
  /** Threads in all, this one included; it gives way to other work now and then. */
  readonly threads: number;
  /** Use the vector kernel. */
  readonly vectors: boolean;
  readonly signal?: AbortSignal | undefined;
  readonly onBytes?: ((bytes: number) => void) | undefined;
}

/** Below this much input, starting threads costs more than they save. Units: bytes. */
const THREADS_FROM_BYTES = 192 * 1024 * 1024;
/** How long this thread works before other work gets its turn. Units: milliseconds. */
const SLICE_MS = 10;

/**
 * Run jobs, in threads when there is much to do.
 *
 * Guarantees: results are in the order of the jobs, and the same for any number of threads; when the promise settles,
 * no thread uses a file any more.
 * Errors: those of the jobs; an abort's reason.
 */
export async function runJobs(jobs: readonly ElementJob[], options: PoolOptions): Promise<ElementResult[]> {
  const inputBytes = jobs.reduce((sum, job) => sum + job.bytes * job.inputs.length, 0);
  if (options.threads < 2 || inputBytes < THREADS_FROM_BYTES) return runHere(jobs, options);
  return runInThreads(jobs, options);
}

/** Work through a list of jobs in this thread, giving way to other work now and then. */
async function runHere(jobs: readonly ElementJob[], options: PoolOptions): Promise<ElementResult[]> {
  const results: ElementResult[] = [];
  let next = 0;
  await workHere({ jobs, options, take: () => next++, keep: (index, result) => (results[index] = result) });
  return results;
}

interface LocalWork {
  readonly jobs: readonly ElementJob[];
  readonly options: PoolOptions;
  /** The index of the next job. */
  readonly take: () => number;
  readonly keep: (index: number, result: ElementResult) => void;
}

async function workHere({ jobs, options, take, keep }: LocalWork): Promise<void> {
  const runner = new JobRunner(options.vectors);
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

async function runInThreads(jobs: readonly ElementJob[], options: PoolOptions): Promise<ElementResult[]> {
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
  const order: WorkerOrder = { jobs, counters, vectors: options.vectors };
  const onResult = (answer: WorkerAnswer & { kind: 'result' }) => {
    keep(answer.index, answer.result);
    options.onBytes?.(answer.bytes);
  };
  // This thread works as well: one isolate less, and its memory. It stops taking jobs when another one failed.
  const take = () => (Atomics.load(shared, 1) === 0 ? Atomics.add(shared, 0, 1) : jobs.length);
  const workers = Array.from({ length: Math.min(options.threads, jobs.length) - 1 }, () =>
    runWorker(order, onResult).catch(stopping),
  );
  // All threads end before an error is passed on: they hold descriptors that the caller will close.
  const endings = await Promise.allSettled([
    ...workers,
    workHere({ jobs, options, take, keep }).catch(stopping),
  ]);
  options.signal?.removeEventListener('abort', stop);
  options.signal?.throwIfAborted();
  for (const ending of endings) if (ending.status === 'rejected') throw ending.reason;
  return results.map((result) => {
    invariant(result !== undefined, 'every job has a result');
    return result;
  });
}

/** Start one thread. From sources, a loader of TypeScript must be given to it. */
function runWorker(
  order: WorkerOrder,
  onResult: (answer: WorkerAnswer & { kind: 'result' }) => void,
): Promise<void> {
  const isSource = import.meta.url.endsWith('.ts');
  const script = new URL(isSource ? './job-worker-from-source.mjs' : './job-worker.js', import.meta.url);
  const worker = new Worker(script, {
    workerData: order,
    resourceLimits: { maxYoungGenerationSizeMb: 2 },
  });
  return new Promise((resolve, reject) => {
    let failure: unknown;
    worker.on('message', (answer: WorkerAnswer) => {
      if (answer.kind === 'result') onResult(answer);
      else if (answer.kind === 'failed')
        failure = new StaleError({ code: 'changed', message: answer.message });
    });
    worker.on('error', (error) => {
      failure ??= error;
    });
    worker.on('exit', () => (failure === undefined ? resolve() : reject(failure)));
  });
}
