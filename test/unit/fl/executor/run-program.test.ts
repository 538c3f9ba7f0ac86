import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { systemClock } from '../../../../src/clock.ts';
import { runProgram } from '../../../../src/fl/executor/run-program.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'run-program-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

it('does not start what was stopped while its log was being opened', async () => {
  const stop = new AbortController();
  const started: number[] = [];
  const run = runProgram({
    command: [process.execPath, '-e', `require('fs').writeFileSync('ran', ''); setInterval(() => {}, 1000)`],
    workingDirectory: folder,
    environment: process.env,
    logPath: join(folder, 'log'),
    timeLimitMs: null,
    stopTimeoutMs: 200,
    signal: stop.signal,
    clock: systemClock(),
    onStart: (pid) => started.push(pid),
  });
  // The call has gone as far as it can without the disk.
  stop.abort();
  await expect(run).rejects.toMatchObject({ code: 'training-stopped' });
  expect(started).toEqual([]);
  expect(await readdir(folder)).toEqual(['log']);
});

it('tells that the disk of its log is full, as the program itself cannot', async () => {
  const run = runProgram({
    command: [process.execPath, '-e', 'process.exit(1)'],
    workingDirectory: folder,
    environment: process.env,
    logPath: join(folder, 'log'),
    timeLimitMs: null,
    stopTimeoutMs: 200,
    signal: new AbortController().signal,
    clock: systemClock(),
    freeBytes: async () => 0,
  });
  await expect(run).rejects.toThrow(/ended with exit code 1; the disk of its log .*log is full/);
});
