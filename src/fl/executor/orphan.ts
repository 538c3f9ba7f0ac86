import { execFile } from 'node:child_process';
import { readFile, rm } from 'node:fs/promises';
import { promisify } from 'node:util';
import { z } from 'zod';
import { writeFileAtomically } from '../../atomic-file.ts';
import { type Clock, delay } from '../../clock.ts';
import { errnoOf } from '../../errors.ts';

const run = promisify(execFile);

/** How long a stopped program may take to be gone. */
const GONE_MS = 10_000;
const POLL_MS = 20;

const memoSchema = z.object({ pid: z.number().int().positive(), startedAt: z.string().min(1) });

/**
 * When a process began, as the system words it; undefined when it does not run or nobody can tell.
 * A process id alone is given again; together with its start it names one process.
 */
async function startOf(pid: number): Promise<string | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    // No procfs (macOS), or no such process: `ps` knows both.
  }
  const { stdout } = await run('ps', ['-o', 'lstart=', '-p', String(pid)]).catch(() => ({ stdout: '' }));
  return stdout.trim() || undefined;
}

/** Remember a running program, so that the next life of this process finds it should this one be killed. */
export async function rememberProgram(memoPath: string, pid: number): Promise<void> {
  const startedAt = await startOf(pid);
  if (startedAt !== undefined) await writeFileAtomically(memoPath, JSON.stringify({ pid, startedAt }));
}

/** The program has ended. */
export async function forgetProgram(memoPath: string): Promise<void> {
  await rm(memoPath, { force: true });
}

/**
 * End a training that outlived the process which began it: two would write into one folder and share one device.
 *
 * Guarantees: only the very process that was remembered is ended, with its group; returns once it is gone.
 */
export async function endOrphan(memoPath: string, clock: Clock): Promise<boolean> {
  const text = await readFile(memoPath, 'utf8').catch(() => '');
  const memo = parseMemo(text);
  if (memo === undefined || (await startOf(memo.pid)) !== memo.startedAt) return false;
  try {
    process.kill(-memo.pid, 'SIGKILL');
  } catch (error) {
    if (errnoOf(error) !== 'ESRCH') throw error;
  }
  const deadlineMs = clock.monotonic() + GONE_MS;
  while ((await startOf(memo.pid)) === memo.startedAt && clock.monotonic() < deadlineMs)
    await delay(clock, POLL_MS);
  await forgetProgram(memoPath);
  return true;
}

function parseMemo(text: string): z.infer<typeof memoSchema> | undefined {
  try {
    return memoSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}
