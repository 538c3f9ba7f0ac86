import { mkdtempSync, rmSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ElementJob } from '../../../../src/fl/aggregate/element-job.ts';
import { JobPool, type RunOptions } from '../../../../src/fl/aggregate/job-pool.ts';

/** Enough for threads to be started. Units: bytes per input. */
const BYTES = 52 * 1024 * 1024;
const SEGMENT = 4 * 1024 * 1024;
const INPUTS = 4;

const folder = mkdtempSync(join(tmpdir(), 'mila-pool-'));
let input: FileHandle;
beforeAll(async () => {
  input = await open(join(folder, 'input'), 'w+');
  const block = new Float32Array(SEGMENT / 4).map((_, index) => Math.fround(Math.sin(index)));
  for (let at = 0; at < BYTES; at += SEGMENT) await input.write(new Uint8Array(block.buffer), 0, SEGMENT, at);
});
afterAll(async () => {
  await input.close();
  rmSync(folder, { recursive: true, force: true });
});

async function runJobs(
  jobs: readonly ElementJob[],
  { threads, ...options }: RunOptions & { readonly threads: number },
) {
  const pool = new JobPool({ threads, vectors: true });
  try {
    return await pool.run(jobs, options);
  } finally {
    await pool.close();
  }
}

async function jobsInto(output: FileHandle, inputOffset = 0): Promise<ElementJob[]> {
  const jobs: ElementJob[] = [];
  for (let at = 0; at < BYTES; at += SEGMENT)
    jobs.push({
      operation: { kind: 'mean' },
      dtype: 'float32',
      bytes: SEGMENT,
      inputs: Array.from({ length: INPUTS }, () => ({ descriptor: input.fd, offset: at + inputOffset })),
      outputs: [{ descriptor: output.fd, offset: at }],
      inputChecksums: ['alone', 'together', 'none', 'together'],
    });
  return jobs;
}

it('gives the same results in threads as here', async () => {
  const output = await open(join(folder, 'output'), 'w+');
  const jobs = await jobsInto(output);
  let bytes = 0;
  const alone = await runJobs(jobs, { threads: 1 });
  const together = await runJobs(jobs, {
    threads: 3,
    onBytes: (done) => {
      bytes += done;
    },
  });
  await output.close();
  expect(together).toEqual(alone);
  expect(bytes).toBe(BYTES * INPUTS);
});

it('ends every thread before it passes on an error', async () => {
  const output = await open(join(folder, 'output'), 'w+');
  const jobs = await jobsInto(output, SEGMENT);
  await expect(runJobs(jobs, { threads: 2 })).rejects.toMatchObject({ code: 'changed' });
  await output.close();
});

it('stops soon after an abort', async () => {
  const output = await open(join(folder, 'output'), 'w+');
  const controller = new AbortController();
  const jobs = await jobsInto(output);
  const outcome = runJobs(jobs, {
    threads: 2,
    signal: controller.signal,
    onBytes: () => controller.abort(new Error('enough')),
  });
  await expect(outcome).rejects.toThrow('enough');
  await output.close();
});

it('serves one run after another with the same threads, also after one that failed', async () => {
  const output = await open(join(folder, 'output'), 'w+');
  const pool = new JobPool({ threads: 2, vectors: true });
  pool.expect(BYTES * INPUTS);
  const first = await pool.run(await jobsInto(output));
  await expect(pool.run(await jobsInto(output, SEGMENT))).rejects.toMatchObject({ code: 'changed' });
  expect(await pool.run(await jobsInto(output))).toEqual(first);
  await pool.close();
  await output.close();
});
