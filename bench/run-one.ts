// One benchmark in a process of its own, so that its memory and its time are not another's. Started by run.ts.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Figure, Measure } from './figure.ts';

const { file, runs, quick, words } = JSON.parse(process.argv[2] ?? '{}') as {
  readonly file: string;
  readonly runs: number;
  readonly quick: boolean;
  readonly words: readonly string[];
};
const { measure } = (await import(file)) as { readonly measure?: Measure };
if (measure === undefined) throw new Error(`${file} exports no function "measure"`);
const folder = await mkdtemp(join(tmpdir(), 'mila-bench-'));
try {
  await measure({
    runs,
    quick,
    words,
    folder,
    report: (figure: Figure) => void process.send?.(figure),
    note: (text) => void process.stderr.write(`  ${text}\n`),
  });
} finally {
  await rm(folder, { recursive: true, force: true });
}
process.disconnect?.();
