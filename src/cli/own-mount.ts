import { existsSync } from 'node:fs';
import { type Clock, delay } from '../clock.ts';
import { messageOf, StateError } from '../errors.ts';
import type { ParticipantConfiguration } from '../fl/config.ts';
import type { Logger } from '../logger.ts';
import { lifeOf, lockOwner, processScope } from '../sync/mount/lock-owner.ts';
import { indexPath, lockPath } from '../sync/mount/mount.ts';
import type { BoxKey } from './box-key.ts';
import { ChildProgram } from './child-program.ts';
import { mountLayoutOf } from './mount-layout.ts';

/** How often it is looked whether the mount holds its lock, while it starts. */
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
}

/** A mount that belongs to this process. */
export interface OwnMount {
  /** Stop it in order and wait for it; what it still had to send was sent, or is sent by the next one. */
  stop(): Promise<void>;
}

/**
 * Start `mila-sync mount` for a configuration as a process of its own, and keep it running.
 *
 * Guarantees: it leaves when this process is gone, however this process ended; one that dies later is started again.
 * Errors: StateError 'already-mounted'; the class of the mount's own exit code when it cannot start.
 */
export async function startOwnMount(
  configuration: ParticipantConfiguration,
  { clock, logger, environment, key }: OwnMountOptions,
): Promise<OwnMount> {
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
  const stop = new AbortController();
  const handed = key?.handOver();
  const launch = () =>
    new ChildProgram({
      name: 'mount',
      program: 'mila-sync',
      args: ['mount', configuration.path, '--json'],
      directory: process.cwd(),
      environment: { ...environment, ...handed?.variables },
      input: handed?.input,
      clock,
    });
  let child = launch();
  const isHeld = async () =>
    (await lockOwner(lockPath(layout), { here }))?.pid === child.pid && existsSync(indexPath(layout));
  const exited = child.exited.then((exit) => {
    throw child.failure(exit);
  });
  exited.catch(() => {});
  while (!(await isHeld())) await Promise.race([exited, delay(clock, START_POLL_MS)]);

  const keepRunning = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      const exit = await child.exited;
      if (stop.signal.aborted) return;
      logger.error({ error: messageOf(child.failure(exit)) }, 'the mount ended by itself; starting it again');
      await delay(clock, RESTART_MS, stop.signal);
      if (!stop.signal.aborted) child = launch();
    }
  };
  const keeping = keepRunning();
  return {
    async stop() {
      stop.abort();
      await child.stop();
      await keeping;
    },
  };
}
