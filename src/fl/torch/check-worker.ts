import { parentPort } from 'node:worker_threads';
import { CorruptError, errnoOf, MilaError, messageOf, StaleError } from '../../errors.ts';
import type { CheckAnswer } from './checkpoint-checker.ts';
import { inspectCheckpoint } from './inspect-checkpoint.ts';

/** Look at one checkpoint. Guarantees: whatever happens, there is one answer. */
async function check(path: string): Promise<CheckAnswer> {
  try {
    await inspectCheckpoint(path);
    return { kind: 'usable' };
  } catch (error) {
    const message = messageOf(error);
    if (error instanceof CorruptError) return { kind: 'unusable', message };
    if (error instanceof StaleError) return { kind: 'changed', code: error.code, message };
    const code = error instanceof MilaError ? error.code : (errnoOf(error) ?? null);
    return { kind: 'failed', isState: error instanceof MilaError, code, message };
  }
}

parentPort?.on('message', (path: string) => {
  void check(path).then((answer) => parentPort?.postMessage(answer));
});
