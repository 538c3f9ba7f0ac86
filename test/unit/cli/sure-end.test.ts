import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { endSurely } from '../../../src/cli/sure-end.ts';

/** Where the module is, for a script that stands elsewhere. */
const COMMANDER = import.meta.resolve('commander');

function watched(unsaid: number[]) {
  const waits: { callback: () => void; delayMs: number }[] = [];
  const told: string[] = [];
  endSurely({
    later: (callback, delayMs) => void waits.push({ callback, delayMs }),
    unsaidBytes: () => unsaid.shift() ?? 0,
    held: () => ['PipeWrap', 'FSEventWrap', 'PipeWrap'],
    tell: (words) => told.push(words),
    end: () => told.push('ended'),
  });
  return { waits, told };
}

it('ends a program that is done and does not end, and says what held it', () => {
  const { waits, told } = watched([]);
  expect(told).toEqual([]);
  expect(waits.map(({ delayMs }) => delayMs)).toEqual([5_000]);
  waits[0]?.callback();
  expect(told).toEqual(['this program was done and did not end by itself: FSEventWrap, PipeWrap', 'ended']);
});

it('waits for a reader that takes its time', () => {
  const { waits, told } = watched([70_000, 1]);
  waits[0]?.callback();
  waits[1]?.callback();
  expect(told).toEqual([]);
  waits[2]?.callback();
  expect(told.at(-1)).toBe('ended');
});

it('a program of ours whose folder is still watched after its work ends all the same, with its exit code', async () => {
  const source = (path: string) => fileURLToPath(new URL(`../../../src/${path}`, import.meta.url));
  const script = `
    import { watch } from 'node:fs';
    import { Command } from 'commander';
    import { createProgram, runToTheEnd } from ${JSON.stringify(source('cli/program.ts'))};
    const leaks = new Command('leaks').action(() => { watch('.'); process.exitCode = 4; });
    process.argv = ['node', 'leaky', 'leaks'];
    await runToTheEnd(createProgram('leaky', 'keeps a watch', [leaks]));
  `;
  const folder = mkdtempSync(join(tmpdir(), 'mila-leaky-'));
  writeFileSync(join(folder, 'leaky.mts'), script.replace("'commander'", JSON.stringify(COMMANDER)));
  const child = spawn(process.execPath, ['--import', 'tsx', join(folder, 'leaky.mts')], {
    stdio: ['ignore', 'ignore', 'pipe'],
    cwd: fileURLToPath(new URL('../../../', import.meta.url)),
  });
  let words = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    words += text;
  });
  const [code] = await once(child, 'close');
  rmSync(folder, { recursive: true, force: true });
  expect([code, words]).toEqual([4, expect.stringContaining('did not end by itself: FSEventWrap')]);
});
