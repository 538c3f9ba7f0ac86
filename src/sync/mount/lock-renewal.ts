import type { FileHandle } from 'node:fs/promises';
import type { Clock, Timer } from '../../clock.ts';
import type { StateError } from '../../errors.ts';
import { isSameOwner, type LockOwner, readLock } from './lock-owner.ts';
import { lockRemoved, lockTakenOver } from './lock-texts.ts';

/** How often a held lock is renewed: three renewals may fail before it is not believed. Units: milliseconds. */
export const RENEW_MS = 10_000;

interface RenewalOptions {
  readonly path: string;
  /** The lock file, open for writing. */
  readonly handle: FileHandle;
  readonly mine: LockOwner;
  readonly clock: Clock;
  /** What the lock is for, as a person reads it. Default: the directory above its folder. */
  readonly subject?: string | undefined;
  /** False: a lock file that was removed is a loss only when somebody else has taken its place. Default: true. */
  readonly endsWhenRemoved?: boolean | undefined;
  /** Called once, when the lock turns out to be lost. */
  readonly onLost?: ((error: StateError) => void) | undefined;
  /** Called when renewing begins to fail, and with undefined when it works again. */
  readonly onTrouble?: ((error: unknown) => void) | undefined;
}

/** Write an owner's record where it stands: its time is then now, by the disk's own clock. */
export async function writeRecord(handle: FileHandle, owner: LockOwner): Promise<void> {
  await handle.write(JSON.stringify(owner), 0);
  // A network file system tells others, and gives its own time, only when the bytes are there.
  await handle.datasync();
}

/**
 * Keeps a held lock fresh, and finds out when it is lost.
 *
 * Guarantees: a renewal that fails (full disk, read-only disk) is tried again and ends nothing; a path that shows
 * nothing while the lock file still has its name is a disk that is away, which is waited for.
 */
export class LockRenewal {
  readonly #options: RenewalOptions;
  #timer: Timer | undefined;
  #turn: Promise<void> = Promise.resolve();
  #isStopped = false;
  #isFailing = false;
  #loss: StateError | undefined;

  constructor(options: RenewalOptions) {
    this.#options = options;
    this.#plan();
  }

  /** Look now whether the lock is lost. Returns why, or undefined while it is held. */
  async loss(): Promise<StateError | undefined> {
    if (this.#isStopped || this.#loss !== undefined) return this.#loss;
    const found = await this.#find();
    if (found === undefined || this.#isStopped || this.#loss !== undefined) return this.#loss;
    this.#loss = found;
    this.#options.onLost?.(found);
    return found;
  }

  async #find(): Promise<StateError | undefined> {
    const { path, handle, mine, subject, endsWhenRemoved = true } = this.#options;
    const standing = await readLock(path);
    if (standing.kind === 'there' && standing.owner !== undefined && !isSameOwner(standing.owner, mine))
      return lockTakenOver(path, standing.owner, subject);
    if (standing.kind === 'unreadable' || !endsWhenRemoved) return undefined;
    return (await linksOf(handle)) === 0 ? lockRemoved(path) : undefined;
  }

  /** End renewing, and wait for what runs; idempotent. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#timer?.cancel();
    await this.#turn;
  }

  #plan(): void {
    this.#timer = this.#options.clock.after(RENEW_MS, () => {
      this.#turn = this.#renew();
    });
  }

  async #renew(): Promise<void> {
    const { handle, mine, onTrouble } = this.#options;
    try {
      await writeRecord(handle, mine);
      if (this.#isFailing) onTrouble?.(undefined);
      this.#isFailing = false;
    } catch (error) {
      if (!this.#isFailing) onTrouble?.(error);
      this.#isFailing = true;
    }
    if ((await this.loss()) === undefined && !this.#isStopped) this.#plan();
  }
}

/** How many names the open file has; undefined when its disk does not answer. */
async function linksOf(handle: FileHandle): Promise<number | undefined> {
  try {
    return (await handle.stat()).nlink;
  } catch {
    return undefined;
  }
}
