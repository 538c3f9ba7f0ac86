import { parentPort, workerData } from 'node:worker_threads';
import { messageOf } from '../../errors.ts';
import type { WorkerAnswer, WorkerOrder } from './job-pool.ts';
import { JobRunner } from './job-runner.ts';

/**
 * A thread of the pool: takes the next job from the shared counter until none is left or the pool is stopped.
 *
 * The files stay open in the main thread until every worker has said that it is done.
 */
function work(order: WorkerOrder): void {
  const counters = new Int32Array(order.counters);
  const runner = new JobRunner(order.vectors);
  const say = (answer: WorkerAnswer) => parentPort?.postMessage(answer);
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

work(workerData as WorkerOrder);
