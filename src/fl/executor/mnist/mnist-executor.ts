import { extname, join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Clock } from '../../../clock.ts';
import { RoundError } from '../../../errors.ts';
import type { EvaluationRequest, Executor, Metrics, TrainingRequest, TrainingResult } from '../executor.ts';
import { parseMnistConfiguration } from './configuration.ts';
import { errorOf, STOP, type ThreadJob, type ThreadReport } from './thread-messages.ts';

/** How long a thread may take to stop by itself before it is ended. */
const STOP_TIMEOUT_MS = 5_000;

interface MnistExecutorOptions {
  readonly clock: Clock;
  /** The module that the thread runs; by default the one beside this file. */
  readonly threadUrl?: URL;
}

interface ThreadRun {
  readonly signal: AbortSignal;
  readonly onProgress?: ((fraction: number, metrics: Metrics) => void) | undefined;
}

/** The module beside this one, built or in source, with this one's own ending. */
function neighbouringThread(): URL {
  return new URL(`./training-thread${extname(new URL(import.meta.url).pathname)}`, import.meta.url);
}

/**
 * The built-in trainer: the "2NN" network on MNIST digits, in a thread of its own.
 *
 * Guarantees: heartbeats of the same process go on while it computes; a thread never outlives its request; a
 * checkpoint appears whole or not at all.
 */
export class MnistExecutor implements Executor {
  readonly #clock: Clock;
  readonly #threadUrl: URL;

  constructor(options: MnistExecutorOptions) {
    this.#clock = options.clock;
    this.#threadUrl = options.threadUrl ?? neighbouringThread();
  }

  async train(request: TrainingRequest): Promise<TrainingResult> {
    const configuration = parseMnistConfiguration(request.configuration, request.configurationPath);
    const checkpointPath = join(request.outputDirectory, `checkpoint.round_${request.round}.pt`);
    const { samples, metrics } = await this.#run(
      {
        kind: 'train',
        configuration,
        round: request.round,
        startCheckpointPath: request.startCheckpointPath ?? null,
        checkpointPath,
      },
      request,
    );
    return { checkpointPath, samples, metrics };
  }

  async evaluate(request: EvaluationRequest): Promise<Metrics> {
    parseMnistConfiguration(request.configuration);
    const job = { kind: 'evaluate', checkpointPath: request.checkpointPath } as const;
    return (await this.#run(job, { signal: request.signal })).metrics;
  }

  #run(job: ThreadJob, { signal, onProgress }: ThreadRun): Promise<ThreadReport & { kind: 'done' }> {
    const stopped = () => new RoundError({ code: 'training-stopped', message: 'training was stopped' });
    if (signal.aborted) return Promise.reject(stopped());
    return new Promise((resolve, reject) => {
      const thread = new Worker(this.#threadUrl, { workerData: job });
      let last: ThreadReport | undefined;
      let failure: Error | undefined;
      let bound: { cancel(): void } | undefined;
      const stop = () => {
        thread.postMessage(STOP);
        bound = this.#clock.after(STOP_TIMEOUT_MS, () => void thread.terminate());
      };
      signal.addEventListener('abort', stop, { once: true });
      thread.on('message', (report: ThreadReport) => {
        if (report.kind === 'progress') onProgress?.(report.fraction, report.metrics);
        else last = report;
      });
      thread.on('error', (error) => {
        failure = error;
      });
      // The end of the thread decides, not its last word: only then nothing of it is left.
      thread.on('exit', (code) => {
        signal.removeEventListener('abort', stop);
        bound?.cancel();
        if (last?.kind === 'done') resolve(last);
        else if (last?.kind === 'failed') reject(errorOf(last.error));
        else if (signal.aborted) reject(stopped());
        else
          reject(
            new RoundError({
              code: 'training-failed',
              message: `the training thread ended without a result: ${failure?.message ?? `exit ${code}`}`,
              cause: failure,
              data: { exitCode: code },
            }),
          );
      });
    });
  }
}
