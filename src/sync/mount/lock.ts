import { randomBytes } from 'node:crypto';
import { link, mkdir, readFile, rm, unlink, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { z } from 'zod';
import { errnoOf, StateError } from '../../errors.ts';

const ownerSchema = z.object({ pid: z.number().int().positive(), startedAt: z.string(), host: z.string() });

/** Looks at a dead owner's lock; each takes a moment, and somebody else's takeover is over after one or two. */
const TAKEOVER_ATTEMPTS = 20;

/** Who holds a mount's lock. */
export type LockOwner = z.infer<typeof ownerSchema>;

/** A held lock; `release` is idempotent. */
export interface Lock {
  release(): Promise<void>;
}

/**
 * When a process began, in the kernel's own units; undefined when it does not run.
 * A process id alone is given again; together with its start it names one process.
 */
async function startOf(pid: number): Promise<string | undefined> {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (errnoOf(error) === 'ESRCH') return undefined;
  }
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? 'unknown';
  } catch {
    // No procfs (macOS): that the process runs is all that can be told.
    return 'unknown';
  }
}

async function readOwner(path: string): Promise<LockOwner | undefined> {
  try {
    return ownerSchema.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch {
    return undefined;
  }
}

/** The living owner of a lock file; undefined when nobody on this machine holds it. */
export async function lockOwner(path: string): Promise<LockOwner | undefined> {
  const owner = await readOwner(path);
  if (owner === undefined) return undefined;
  // Another machine's process cannot be looked at (a shared file system): believe the file.
  if (owner.host !== hostname()) return owner;
  return (await startOf(owner.pid)) === owner.startedAt ? owner : undefined;
}

/**
 * Take a mount's lock.
 *
 * Guarantees: at most one owner; the file appears whole, by a hard link that never replaces; the lock of a process
 * that died is taken over.
 * Errors: StateError 'already-mounted' naming the owner.
 */
export async function acquireLock(path: string): Promise<Lock> {
  await mkdir(dirname(path), { recursive: true });
  const mine: LockOwner = {
    pid: process.pid,
    startedAt: (await startOf(process.pid)) ?? 'unknown',
    host: hostname(),
  };
  const staged = `${path}.${randomBytes(6).toString('hex')}`;
  await writeFile(staged, JSON.stringify(mine), { mode: 0o600 });
  try {
    for (let attempt = 0; attempt < TAKEOVER_ATTEMPTS; attempt += 1) {
      if (await tryLink(staged, path)) return { release: () => releaseIfMine(path, mine) };
      const owner = await lockOwner(path);
      if (owner !== undefined) throw alreadyMounted(path, owner);
      await clearAway(path, staged);
    }
    throw alreadyMounted(path, await readOwner(path));
  } finally {
    await rm(staged, { force: true });
  }
}

/**
 * Take a dead owner's lock file away, if it is still there.
 *
 * Several may want to at once. Only who holds the guard looks again and removes, so nobody removes the lock that
 * another has just taken. Who finds the guard held leaves it to the other and looks again.
 */
async function clearAway(path: string, staged: string): Promise<void> {
  const guard = `${path}.takeover`;
  if (!(await tryLink(staged, guard))) {
    if ((await lockOwner(guard)) === undefined) await rm(guard, { force: true });
    return;
  }
  try {
    if ((await lockOwner(path)) === undefined) await rm(path, { force: true });
  } finally {
    await rm(guard, { force: true });
  }
}

async function tryLink(staged: string, path: string): Promise<boolean> {
  try {
    await link(staged, path);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false;
    throw error;
  }
}

async function releaseIfMine(path: string, mine: LockOwner): Promise<void> {
  const owner = await readOwner(path);
  if (owner?.pid === mine.pid && owner.startedAt === mine.startedAt && owner.host === mine.host) {
    await unlink(path).catch(() => undefined);
  }
}

function alreadyMounted(path: string, owner: LockOwner | undefined): StateError {
  const who = owner === undefined ? 'another process' : `process ${owner.pid} on ${owner.host}`;
  return new StateError({
    code: 'already-mounted',
    message: `${dirname(dirname(path))} is mounted already, by ${who}`,
    hint: 'Stop it with `mila-sync unmount`, or mount into another directory with --dir.',
    data: { path, owner },
  });
}
