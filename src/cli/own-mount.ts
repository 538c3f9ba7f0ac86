import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Clock, delay } from '../clock.ts';
import { InterruptedError, type MilaError, RoundError, StateError, TransientError } from '../errors.ts';
import type { ParticipantConfiguration } from '../fl/config.ts';
import type { Logger } from '../logger.ts';
import type { MountLayout } from '../sync/local/mirror-root.ts';
import { lifeOf, lockOwner, processScope } from '../sync/mount/lock-owner.ts';
import { indexPath, lockPath } from '../sync/mount/mount.ts';
import type { BoxKey } from './box-key.ts';
import { ChildProgram } from './child-program.ts';
import { mountLayoutOf } from './mount-layout.ts';

/** How often it is looked whether the mount before has gone. */
const START_POLL_MS = 50;
/** How long a mount that is stopping may hold its lock. */
const PREDECESSOR_MS = 10_000;
/** Between two lives of a mount that ended by itself. */
const RESTART_MS = 5_000;

interface OwnMountOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly environment: NodeJS.ProcessEnv;
  /** The key of Box, where it is in no file. */
  readonly key: BoxKey | undefined;
  /** Aborted when this program is told to stop. */
  readonly signal: AbortSignal;
  /** A word to the person. */
  readonly note: (words: string) => void;
}

/** A mount that belongs to this process. */
export interface OwnMount {
  /** Why it ended by itself, in one line for a person, until Box has let it in again; null while it runs. */
  trouble(): string | null;
  /** Stop it in order and wait for it; what it still had to send was sent, or is sent by the next one. */
  stop(): Promise<void>;
}

/**
 * Start `mila-sync mount` for a configuration as a process of its own, and keep it running.
 *
 * Guarantees: Box has let it in, now or, where Box is out of reach, in an earlier life; it leaves when this process is
 * gone, however this process ended; one that dies later is started again; while Box cannot be reached, it is tried again
 * and told.
 * Errors: StateError 'already-mounted'; the mount's own error when it cannot start and trying again is useless;
 * InterruptedError.
 */
export async function startOwnMount(
  configuration: ParticipantConfiguration,
  options: OwnMountOptions,
): Promise<OwnMount> {
  const { directory } = mountLayoutOf(configuration);
  await assertFree(configuration, options);
  const lives = new MountLives(configuration, options);
  options.note(`starting the mount at ${directory}`);
  await lives.begin();
  return lives;
}

/** Errors: StateError 'already-mounted'. */
async function assertFree(
  configuration: ParticipantConfiguration,
  { clock }: OwnMountOptions,
): Promise<void> {
  const layout = mountLayoutOf(configuration);
  const deadlineMs = clock.monotonic() + PREDECESSOR_MS;
  const here = await processScope();
  // Of another machine's or container's lock, the mount itself waits to see whether it is still renewed.
  const isMountedHere = async () => {
    const owner = await lockOwner(lockPath(layout), { here });
    return owner !== undefined && (await lifeOf(owner, here)) === 'alive';
  };
  // The mount of a process that was killed stops in order, which takes it a moment.
  while ((await isMountedHere()) && clock.monotonic() < deadlineMs) await delay(clock, START_POLL_MS);
  if (await isMountedHere())
    throw new StateError({
      code: 'already-mounted',
      message: `${layout.directory} is mounted already`,
      hint: 'Leave --mount out to work on the mount that runs, or stop it with `mila-sync unmount`.',
    });
}

/** The lives of one mount, each a process of its own, one after the other. */
class MountLives implements OwnMount {
  readonly #options: OwnMountOptions;
  readonly #layout: MountLayout;
  readonly #launch: () => ChildProgram;
  readonly #stop = new AbortController();
  #child: ChildProgram;
  #keeping: Promise<void> = Promise.resolve();
  #trouble: string | null = null;

  constructor(configuration: ParticipantConfiguration, options: OwnMountOptions) {
    const { key, clock, environment } = options;
    this.#options = options;
    this.#layout = mountLayoutOf(configuration);
    const handed = key?.handOver();
    this.#launch = () =>
      new ChildProgram({
        name: 'mount',
        program: 'mila-sync',
        args: ['mount', configuration.path, '--json'],
        directory: process.cwd(),
        environment: { ...environment, ...handed?.variables },
        input: handed?.input,
        clock,
      });
    this.#child = this.#launch();
  }

  /** Errors: as `startOwnMount`. */
  async begin(): Promise<void> {
    const { signal } = this.#options;
    const leave = () => void this.stop();
    signal.addEventListener('abort', leave, { once: true });
    if (signal.aborted) leave();
    try {
      await this.#untilUsable();
    } finally {
      signal.removeEventListener('abort', leave);
    }
    this.#keeping = this.#keepRunning();
  }

  /** Until Box has let the mount in, or is out of reach and an earlier life left what the work can go on with. */
  async #untilUsable(): Promise<void> {
    const { signal, note } = this.#options;
    let told = '';
    for (;;) {
      const failure = await this.#connected();
      if (signal.aborted) throw interrupted();
      if (failure === undefined) return;
      if (!mayPass(failure)) throw failure;
      if (this.#isKnown()) return;
      if (failure.message !== told) note(`the mount cannot start: ${failure.message}; trying again`);
      told = failure.message;
      await this.#again();
    }
  }

  /** Whether an earlier life found the folder in Box, and it still stands on the disk. */
  #isKnown(): boolean {
    const { directory, rootPath } = this.#layout;
    return existsSync(indexPath(this.#layout)) && existsSync(join(directory, ...rootPath));
  }

  trouble(): string | null {
    return this.#trouble;
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#child.stop();
    await this.#keeping;
  }

  /** Wait until Box has let the present life in; why it did not, if it ended before. */
  async #connected(): Promise<MilaError | undefined> {
    const child = this.#child;
    const connected = child.waitFor('connected').then(
      () => true,
      () => false,
    );
    return (await connected) ? undefined : child.ownError(await child.exited);
  }

  async #keepRunning(): Promise<void> {
    const { logger } = this.#options;
    while (!this.#stop.signal.aborted) {
      const child = this.#child;
      const failure = child.ownError(await child.exited);
      if (this.#stop.signal.aborted) return;
      const advice = failure.hint === undefined ? '' : ` (${failure.hint.split('\n', 1)[0]})`;
      this.#trouble = `${failure.message}${advice}; the mount is started again`;
      logger.error({ error: failure.message }, 'the mount ended by itself; starting it again');
      await this.#again();
      void this.#connected().then((why) => {
        if (why === undefined) this.#trouble = null;
      });
    }
  }

  async #again(): Promise<void> {
    await delay(this.#options.clock, RESTART_MS, this.#stop.signal);
    if (!this.#stop.signal.aborted) this.#child = this.#launch();
  }
}

/** A round's error is what somebody ended from outside. */
function mayPass(failure: MilaError): boolean {
  return failure instanceof TransientError || failure instanceof RoundError;
}

function interrupted(): InterruptedError {
  return new InterruptedError({ code: 'interrupted', message: 'stopped while the mount was starting' });
}
