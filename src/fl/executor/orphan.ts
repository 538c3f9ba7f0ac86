import { readFile, rm } from 'node:fs/promises';
import { z } from 'zod';
import { writeFileAtomically } from '../../atomic-file.ts';
import { type Clock, delay } from '../../clock.ts';
import { errnoOf } from '../../errors.ts';
import { bootOf, groupMembers, startOf } from './process-group.ts';

/** How long a stopped program may take to be gone. */
const GONE_MS = 10_000;
const POLL_MS = 20;

const memoSchema = z.object({
  pid: z.number().int().positive(),
  startedAt: z.string().min(1),
  boot: z.string().optional(),
});

/** Remember a running program, so that the next life of this process finds it should this one be killed. */
export async function rememberProgram(memoPath: string, pid: number): Promise<void> {
  const startedAt = await startOf(pid);
  if (startedAt === undefined) return;
  await writeFileAtomically(memoPath, JSON.stringify({ pid, startedAt, boot: await bootOf() }));
}

/** The program has ended. */
export async function forgetProgram(memoPath: string): Promise<void> {
  await rm(memoPath, { force: true });
}

/**
 * Whether the group of a remembered program is still its own. With its first process gone, its workers may go on: the
 * system gives a number to no new process while a group has it, so that a free number with a group is the old group's.
 */
async function isOwnGroup({ pid, startedAt, boot }: Memo): Promise<boolean> {
  const start = await startOf(pid);
  if (start !== undefined) return start === startedAt;
  if (boot === undefined || boot !== (await bootOf())) return false;
  const workers = await groupMembers(pid);
  const starts = await Promise.all(workers.map(startOf));
  // None of its own began before it.
  return starts.length > 0 && starts.every((each) => each === undefined || Number(each) >= Number(startedAt));
}

/**
 * End a training that outlived the process which began it: two would write into one folder and share one device.
 *
 * Guarantees: only the very program that was remembered is ended, with what is left of its process group, also when
 * its first process is gone; returns once they are gone.
 */
export async function endOrphan(memoPath: string, clock: Clock): Promise<boolean> {
  const text = await readFile(memoPath, 'utf8').catch(() => '');
  const memo = parseMemo(text);
  if (memo === undefined || !(await isOwnGroup(memo))) return false;
  try {
    process.kill(-memo.pid, 'SIGKILL');
  } catch (error) {
    if (errnoOf(error) !== 'ESRCH') throw error;
  }
  const deadlineMs = clock.monotonic() + GONE_MS;
  while ((await groupMembers(memo.pid)).length > 0 && clock.monotonic() < deadlineMs)
    await delay(clock, POLL_MS);
  await forgetProgram(memoPath);
  return true;
}

type Memo = z.infer<typeof memoSchema>;

function parseMemo(text: string): Memo | undefined {
  try {
    return memoSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}
