/**
 * How long a person waits for `mila-sync inspect` on the folder of a long run: 20 clients, 50 rounds, the whole program
 * with its start. Words: none.
 */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MadeRun, makeGoodRun } from '../test/support/made-run.ts';
import { type BenchContext, median } from './figure.ts';

const PROGRAM = fileURLToPath(new URL('../dist/cli/mila-sync.js', import.meta.url));
const CLIENTS = 20;
const ROUNDS = 50;

/** Take the figures. */
export async function measure({ folder, runs, quick, report }: BenchContext): Promise<void> {
  const run = join(folder, 'run');
  const names = Array.from({ length: CLIENTS }, (_, index) => `site_${index}`);
  await makeGoodRun(new MadeRun(run), names, quick ? 5 : ROUNDS);
  const forms = {
    'for a person': [],
    'as a document': ['--json'],
    'as a page': ['--html', join(folder, 'page.html')],
  };
  for (const [form, words] of Object.entries(forms)) {
    const seconds = Array.from({ length: runs }, () => {
      const startedMs = performance.now();
      execFileSync(process.execPath, [PROGRAM, 'inspect', run, ...words], {
        stdio: ['ignore', 'ignore', 'inherit'],
      });
      return (performance.now() - startedMs) / 1000;
    });
    report({
      what: `inspect ${CLIENTS} clients, ${ROUNDS} rounds, ${form}`,
      value: median(seconds),
      unit: 's',
      goal: { of: 'value', atMost: 2 },
    });
  }
}
