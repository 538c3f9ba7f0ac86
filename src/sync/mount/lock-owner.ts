import { randomBytes } from 'node:crypto';
import { type FileHandle, open, readFile, readlink, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { z } from 'zod';
import { errnoOf } from '../../errors.ts';

const ownerSchema = z.object({
  pid: z.number().int().positive(),
  startedAt: z.string(),
  // Shown to people: what a file says must not steer their terminal.
  host: z.string().transform((host) => host.replace(/\p{C}/gu, '?')),
  scope: z.string().optional(),
});

/** Who holds a lock. `scope` names where the process id means something; locks of older programs have none. */
export type LockOwner = z.infer<typeof ownerSchema>;

/** Where this process's id means something. */
export interface ProcessScope {
  readonly host: string;
  /** This boot of the machine and this name space of process ids; undefined where there is no procfs. */
  readonly scope: string | undefined;
}

/** A lock that is not renewed for this long is not believed any more. Units: milliseconds. */
export const FRESH_MS = 35_000;

const NANOSECONDS_PER_MS = 1_000_000n;

/** The scope of this process. */
export async function processScope(): Promise<ProcessScope> {
  const host = hostname();
  try {
    const boot = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
    return { host, scope: `${boot} ${await readlink('/proc/self/ns/pid')}` };
  } catch {
    return { host, scope: undefined };
  }
}

/** The owner record of this process. */
export async function ownerHere({ host, scope }: ProcessScope): Promise<LockOwner> {
  const startedAt = (await startOf(process.pid)) ?? 'unknown';
  return { pid: process.pid, startedAt, host, ...(scope === undefined ? {} : { scope }) };
}

/** True for two records of one process. */
export function isSameOwner(a: LockOwner, b: LockOwner): boolean {
  return a.pid === b.pid && a.startedAt === b.startedAt && a.host === b.host && a.scope === b.scope;
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

/** What stands where a lock is looked for. An owner is undefined when the file is no lock. */
export type StandingLock =
  | { readonly kind: 'missing' }
  | { readonly kind: 'unreadable'; readonly error: unknown }
  | { readonly kind: 'there'; readonly owner: LockOwner | undefined; readonly renewedAtNs: bigint };

/** Read a lock file. Guarantees: opened anew, so that a network file system asks its server. */
export async function readLock(path: string): Promise<StandingLock> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(path, 'r');
    const { mtimeNs } = await handle.stat({ bigint: true });
    return { kind: 'there', owner: parseOwner(await handle.readFile('utf8')), renewedAtNs: mtimeNs };
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(errnoOf(error) ?? '')) return { kind: 'missing' };
    return { kind: 'unreadable', error };
  } finally {
    await handle?.close().catch(() => undefined);
  }
}

function parseOwner(text: string): LockOwner | undefined {
  try {
    return ownerSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/**
 * What can be told of a lock's owner: `foreign` is a process that cannot be looked at from here, so that only the
 * renewing of its lock tells whether it lives.
 */
export async function lifeOf(owner: LockOwner, here: ProcessScope): Promise<'alive' | 'dead' | 'foreign'> {
  const isNear = owner.scope === undefined ? owner.host === here.host : owner.scope === here.scope;
  if (!isNear) return 'foreign';
  return (await startOf(owner.pid)) === owner.startedAt ? 'alive' : 'dead';
}

/** True when a lock was renewed a short while ago, both told by the disk's own clock. */
export function isFresh(renewedAtNs: bigint, diskNowNs: bigint): boolean {
  return diskNowNs - renewedAtNs < BigInt(FRESH_MS) * NANOSECONDS_PER_MS;
}

interface LookOptions {
  /** Default: that of this process. */
  readonly here?: ProcessScope;
  /** False: not even a file for the disk's time is made beside the lock, and a foreign lock is believed. Default: true. */
  readonly mayWrite?: boolean;
}

/**
 * The living owner of a lock file; undefined when nobody holds it.
 *
 * Guarantees: never waits: a lock of another machine or container counts as held while it is fresh.
 */
export async function lockOwner(path: string, options: LookOptions = {}): Promise<LockOwner | undefined> {
  const { here = await processScope(), mayWrite = true } = options;
  const lock = await readLock(path);
  if (lock.kind !== 'there' || lock.owner === undefined) return undefined;
  const life = await lifeOf(lock.owner, here);
  if (life !== 'foreign') return life === 'alive' ? lock.owner : undefined;
  const nowNs = mayWrite ? await diskTime(path) : undefined;
  return nowNs === undefined || isFresh(lock.renewedAtNs, nowNs) ? lock.owner : undefined;
}

/** The time by the clock of the disk that holds `path`; undefined where nothing can be made beside it. */
async function diskTime(path: string): Promise<bigint | undefined> {
  const probe = `${path}.${randomBytes(6).toString('hex')}`;
  try {
    const handle = await open(probe, 'wx', 0o600);
    try {
      return (await handle.stat({ bigint: true })).mtimeNs;
    } finally {
      await handle.close();
      await rm(probe, { force: true });
    }
  } catch {
    return undefined;
  }
}
