import { randomBytes } from 'node:crypto';
import { type FileHandle, link, mkdir, open, rm, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type Clock, delay, systemClock } from '../../clock.ts';
import { errnoOf, type StateError } from '../../errors.ts';
import {
  FRESH_MS,
  isFresh,
  isSameOwner,
  type LockOwner,
  lifeOf,
  lockOwner,
  ownerHere,
  type ProcessScope,
  processScope,
  readLock,
} from './lock-owner.ts';
import { LockRenewal, writeRecord } from './lock-renewal.ts';
import { alreadyMounted, lockRefused, waitAborted } from './lock-texts.ts';

/** Looks at a dead owner's lock; each takes a moment, and somebody else's takeover is over after one or two. */
const TAKEOVER_ATTEMPTS = 20;
/** How often a lock that may be a dead process's is looked at. Units: milliseconds. */
const WAIT_LOOK_MS = 1_000;

/** A held lock. */
export interface Lock {
  /** Look now whether the lock was lost: removed, or taken over. Returns why, or undefined while it is held. */
  loss(): Promise<StateError | undefined>;
  /** Idempotent. Guarantees: another owner's lock is left alone. */
  release(): Promise<void>;
}

export interface LockOptions {
  readonly clock?: Clock;
  /** Where process ids mean something. Default: as this process sees it. */
  readonly here?: ProcessScope;
  /** What the lock is for, as a person reads it. Default: the directory above its folder. */
  readonly subject?: string;
  /** False: a lock file that was removed is a loss only when somebody else has taken its place. Default: true. */
  readonly endsWhenRemoved?: boolean;
  /** Aborted: stop waiting for another's lock. */
  readonly signal?: AbortSignal;
  /** Called once when another machine's or container's lock is fresh, so that it must show whether it is renewed. */
  readonly onWaiting?: (owner: LockOwner) => void;
  /** Called once when a held lock turns out to be lost. */
  readonly onLost?: (error: StateError) => void;
  /** Called when renewing begins to fail, and with undefined when it works again. */
  readonly onTrouble?: (error: unknown) => void;
}

/**
 * Take a lock and keep it renewed.
 *
 * Guarantees: at most one owner; the file appears whole, by a hard link that never replaces; the lock of a process
 * that died is taken over: at once when the process can be looked at from here; when it ran on another machine or in
 * another container, as soon as its lock is not fresh, which is waited for. Only the disk's clock takes part.
 * Errors: StateError 'already-mounted' naming the owner | 'lock-refused' | 'lock-wait-aborted'; FullError.
 */
export async function acquireLock(path: string, options: LockOptions = {}): Promise<Lock> {
  const { clock = systemClock(), here = await processScope() } = options;
  const mine = await ownerHere(here);
  const staged = `${path}.${randomBytes(6).toString('hex')}`;
  let handle: FileHandle | undefined;
  try {
    await mkdir(dirname(path), { recursive: true });
    handle = await open(staged, 'wx+', 0o600);
    await new Contest({ ...options, clock, here, path, staged, handle, mine }).win();
  } catch (error) {
    await handle?.close();
    throw lockRefused(path, error);
  } finally {
    await rm(staged, { force: true }).catch(() => undefined);
  }
  return hold({ ...options, clock, path, handle, mine });
}

function hold(options: ConstructorParameters<typeof LockRenewal>[0]): Lock {
  const renewal = new LockRenewal(options);
  let released: Promise<void> | undefined;
  const release = async () => {
    await renewal.stop();
    const { path, handle, mine } = options;
    const standing = await readLock(path);
    if (standing.kind === 'there' && standing.owner !== undefined && isSameOwner(standing.owner, mine))
      await unlink(path).catch(() => undefined);
    await handle.close().catch(() => undefined);
  };
  return {
    loss: () => renewal.loss(),
    release: () => {
      released ??= release();
      return released;
    },
  };
}

interface ContestOptions extends LockOptions {
  readonly clock: Clock;
  readonly here: ProcessScope;
  readonly path: string;
  /** The record that becomes the lock by getting its name; its time is the disk's now. */
  readonly staged: string;
  readonly handle: FileHandle;
  readonly mine: LockOwner;
}

/** The attempt of one process to get a lock. */
class Contest {
  readonly #options: ContestOptions;
  /** A foreign lock as it was first seen. */
  #seen: { readonly renewedAtNs: bigint; readonly atMs: number } | undefined;

  constructor(options: ContestOptions) {
    this.#options = options;
  }

  async win(): Promise<void> {
    const { path, staged, handle, mine, clock, signal } = this.#options;
    for (let attempt = 0; attempt < TAKEOVER_ATTEMPTS; ) {
      await writeRecord(handle, mine);
      if (await tryLink(staged, path)) return;
      if ((await this.#judge()) === 'wait') {
        await delay(clock, WAIT_LOOK_MS, signal);
        if (signal?.aborted) throw waitAborted(path);
      } else {
        attempt += 1;
        await this.#clearAway();
      }
    }
    const standing = await readLock(path);
    throw alreadyMounted(path, standing.kind === 'there' ? standing.owner : undefined, true);
  }

  /** Whether the lock that stands may be taken away. Errors: StateError 'already-mounted' when its owner lives. */
  async #judge(): Promise<'free' | 'wait'> {
    const { path, here, clock, onWaiting } = this.#options;
    const lock = await readLock(path);
    if (lock.kind === 'unreadable') throw lock.error;
    if (lock.kind === 'missing' || lock.owner === undefined) return 'free';
    const life = await lifeOf(lock.owner, here);
    if (life === 'dead') return 'free';
    if (life === 'alive') throw alreadyMounted(path, lock.owner, true);
    const { renewedAtNs } = lock;
    if (this.#seen !== undefined && this.#seen.renewedAtNs !== renewedAtNs)
      throw alreadyMounted(path, lock.owner, false);
    if (!isFresh(renewedAtNs, await this.#diskTime())) return 'free';
    // A disk whose clock was set back shows a time to come: then it is this wait that decides.
    const now = clock.monotonic();
    if (this.#seen !== undefined) return now - this.#seen.atMs < FRESH_MS ? 'wait' : 'free';
    this.#seen = { renewedAtNs, atMs: now };
    onWaiting?.(lock.owner);
    return 'wait';
  }

  async #diskTime(): Promise<bigint> {
    return (await this.#options.handle.stat({ bigint: true })).mtimeNs;
  }

  /**
   * Take a dead owner's lock file away, if it is still there.
   *
   * Several may want to at once. Only who holds the guard looks again and removes, so nobody removes the lock that
   * another has just taken. Who finds the guard held leaves it to the other and looks again.
   */
  async #clearAway(): Promise<void> {
    const { path, staged, here } = this.#options;
    const guard = `${path}.takeover`;
    if (!(await tryLink(staged, guard))) {
      if ((await lockOwner(guard, { here })) === undefined) await rm(guard, { force: true });
      return;
    }
    try {
      if ((await this.#judge()) === 'free') await rm(path, { force: true });
    } finally {
      await rm(guard, { force: true });
    }
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
