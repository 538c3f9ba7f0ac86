import { parentPort, workerData } from 'node:worker_threads';
import { messageOf } from '../../errors.ts';
import { JobRunner } from './job-runner.ts';
import type { WorkerAnswer, WorkerOrder, WorkerSetup } from './job-thread.ts';

const say = (answer: WorkerAnswer) => parentPort?.postMessage(answer);

/**
 * Takes the next job from the shared counter until none is left or the order is stopped.
 *
 * The files stay open in the main thread until every thread has said that it is done.
 */
function work(runner: JobRunner, order: WorkerOrder): void {
  const counters = new Int32Array(order.counters);
  try {
    for (;;) {
      const index = Atomics.add(counters, 0, 1);
      const job = order.jobs[index];
      if (job === undefined || Atomics.load(counters, 1) !== 0) break;
      const steps = runner.run(job);
      let bytes = 0;
      let step = steps.next();
      while (step.done !== true) {
        bytes += step.value;
        step = steps.next();
      }
      say({ kind: 'result', index, result: step.value, bytes });
    }
    say({ kind: 'done' });
  } catch (error) {
    say({ kind: 'failed', message: messageOf(error) });
  }
}

const runner = new JobRunner((workerData as WorkerSetup).vectors);
parentPort?.on('message', (order: WorkerOrder) => work(runner, order));
