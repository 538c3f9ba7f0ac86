import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CorruptError } from '../../src/errors.ts';
import { inspectCheckpoint } from '../../src/fl/torch/inspect-checkpoint.ts';
import { BOMBS, HEAVY } from './checkpoint-bombs.ts';

/**
 * A program that looks at every bomb as a server does, and prints what came of it, a line of JSON for each.
 *
 * It is a process of its own: what other tests left in a process shows in the memory and in the processor time there.
 */

/** What one look came to. Units: seconds of processor, megabytes. */
export interface BombLook {
  readonly name: string;
  /** 'read', an error's code, or an error that nobody expects. */
  readonly outcome: string;
  readonly seconds: number;
  readonly megabytes: number;
}

async function look(name: string, path: string): Promise<BombLook> {
  globalThis.gc?.();
  const before = process.memoryUsage.rss();
  let peak = before;
  const sample = () => {
    peak = Math.max(peak, process.memoryUsage.rss());
  };
  const sampler = setInterval(sample, 20);
  const begun = process.cpuUsage();
  const outcome = await inspectCheckpoint(path).then(
    () => 'read',
    (error: unknown) => (error instanceof CorruptError ? error.code : String(error)),
  );
  const { user, system } = process.cpuUsage(begun);
  sample();
  clearInterval(sampler);
  return { name, outcome, seconds: (user + system) / 1e6, megabytes: (peak - before) / 1024 ** 2 };
}

if (process.argv[1] === import.meta.filename) {
  const folder = mkdtempSync(join(tmpdir(), 'mila-bomb-watch-'));
  try {
    for (const { name, make } of [...BOMBS, ...HEAVY]) {
      const path = join(folder, 'bomb.pt');
      writeFileSync(path, make());
      process.stdout.write(`${JSON.stringify(await look(name, path))}\n`);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
