import { existsSync, type Stats, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Clock, delay } from '../clock.ts';
import { ConfigError, errnoOf, reasonOf, StateError } from '../errors.ts';
import { type ParticipantConfiguration, participantOf } from '../fl/config.ts';
import { openPlainWorkdir } from '../fl/transport/plain-workdir.ts';
import type { Workdir } from '../fl/transport/workdir.ts';
import type { Logger } from '../logger.ts';
import { shellWord } from '../shell-word.ts';
import { VersionIndex } from '../sync/index/version-index.ts';
import { lockOwner } from '../sync/mount/lock-owner.ts';
import { indexPath, lockPath } from '../sync/mount/mount.ts';
import { nothingMounted } from '../sync/mount/nothing-mounted.ts';
import { assertSameMount } from '../sync/mount/remembered.ts';
import type { BoxKey } from './box-key.ts';
import { mountLayoutOf } from './mount-layout.ts';
import { type OpenedMountWorkdir, openMountWorkdir } from './mount-workdir.ts';
import { startOwnMount } from './own-mount.ts';

const DELIVERY_POLL_MS = 100;

/** What the command line says about where the files live. */
export interface WorkdirFlags {
  /** A plain shared folder instead of a mount. */
  readonly dir?: string;
  /** Start and stop a mount of one's own. */
  readonly mount?: boolean;
  /** The key of Box that a mount of one's own needs, where it is in no file. */
  readonly key?: BoxKey | undefined;
}

interface WorkdirDependencies {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Aborted when this program is told to stop. */
  readonly signal: AbortSignal;
  /** A word to the person. */
  readonly note: (words: string) => void;
}

/** A shared folder, and what must be undone when it is no longer needed. */
export interface OpenedWorkdir {
  readonly workdir: Workdir;
  close(): Promise<void>;
}

/**
 * Open the shared folder that a configuration and the command line name.
 *
 * Errors: StateError 'nothing-mounted' with the command to type, 'no-such-directory', 'mount-of-another'; ConfigError when no folder is named at all.
 */
export async function openWorkdir(
  configuration: ParticipantConfiguration,
  flags: WorkdirFlags,
  dependencies: WorkdirDependencies,
): Promise<OpenedWorkdir> {
  const { box, path, transport } = configuration;
  if (transport === 'grpc')
    throw new ConfigError({
      code: 'no-shared-folder',
      message: `${path} asks for gRPC, which has no shared folder`,
      hint: 'Leave out --dir and --mount, or use BoxServer and BoxClient.',
    });
  if (box === null)
    throw new ConfigError({
      code: 'no-shared-folder',
      message: `${path} has no box_configuration, so there is no shared folder to work in`,
    });
  const { shared_dir_name, save_path } = box;
  if (flags.dir !== undefined && flags.mount === true)
    throw new ConfigError({
      code: 'contradicting-options',
      message: '--dir names a plain shared folder, which nobody mounts: give it or --mount, not both',
    });
  if (flags.dir !== undefined) {
    assertDirectory(flags.dir);
    const root = join(resolve(flags.dir), shared_dir_name, save_path);
    const workdir = await openPlainWorkdir({ ...dependencies, root }).catch((error: unknown) => {
      throw unusableFolder(root, error);
    });
    return { workdir, close: async () => {} };
  }
  const layout = mountLayoutOf(configuration);
  if (flags.mount === true) return openOnOwnMount(configuration, flags.key, dependencies);
  if ((await lockOwner(lockPath(layout))) === undefined || !existsSync(indexPath(layout)))
    throw nothingMounted(
      layout.directory,
      `Start a mount with: mila-sync mount ${path}   (or give --mount, to have one started and stopped)`,
    );
  assertMountOf(configuration);
  await mirrorStands(configuration, dependencies);
  return openMountWorkdir({ ...dependencies, layout, startWith: `mila-sync mount ${shellWord(path)}` });
}

function factsOf(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(errnoOf(error) ?? '')) return undefined;
    throw error;
  }
}

/** A folder made here would be one that nobody else sees: a network drive that is not mounted, or a slip of the pen. */
function assertDirectory(directory: string): void {
  const facts = factsOf(directory);
  if (facts?.isDirectory() === true) return;
  throw new StateError({
    code: 'no-such-directory',
    message:
      facts === undefined
        ? `--dir ${directory}: there is no such directory`
        : `--dir ${directory} is a file and no directory`,
    hint: `Name the folder that all sites share: is its drive mounted? A new one is made with: mkdir -p ${shellWord(resolve(directory))}`,
    data: { directory },
  });
}

/** On a read-only file system Node says of a folder to be made that it cannot be found. */
function unusableFolder(root: string, error: unknown): unknown {
  if (!(error instanceof StateError) || error.code !== 'not-a-folder') return error;
  const isUnwritable = errnoOf(error.cause) === 'ENOENT';
  return new StateError({
    code: 'not-a-folder',
    message: `${root} cannot be made: ${isUnwritable ? 'nothing can be written there' : reasonOf(error.cause)}`,
    hint: 'Name another --dir, or have this user let in: is the folder shared for reading only?',
    data: { path: root },
    cause: error,
  });
}

/** What runs there may be another participant's mount, in another account. Errors: StateError 'mount-of-another'. */
function assertMountOf(configuration: ParticipantConfiguration): void {
  const layout = mountLayoutOf(configuration);
  const index = VersionIndex.openReadonly(indexPath(layout));
  try {
    assertSameMount(index, layout, participantOf(configuration));
  } finally {
    index.close();
  }
}

/** How long a mount may take to find or make the folder in Box before its server gives up waiting for it. */
const MIRROR_WAIT_MS = 60_000;

/** Wait until the mirrored folder stands: a server begins by writing into it. A client waits for its server anyway. */
async function mirrorStands(
  configuration: ParticipantConfiguration,
  { clock, signal }: WorkdirDependencies,
): Promise<void> {
  if (configuration.role !== 'server') return;
  const { directory, rootPath } = mountLayoutOf(configuration);
  const root = join(directory, ...rootPath);
  const deadlineMs = clock.monotonic() + MIRROR_WAIT_MS;
  while (!existsSync(root)) {
    if (signal.aborted || clock.monotonic() > deadlineMs)
      throw new StateError({
        code: 'mount-not-ready',
        message: `the mount at ${directory} has not made ${root} yet`,
        hint: `See what holds it up: mila-sync status ${directory}`,
      });
    await delay(clock, DELIVERY_POLL_MS);
  }
}

/** How long a program that was told to stop still waits for its last words to reach Box. */
const LAST_WORDS_MS = 10_000;

/** Wait until Box has every file that was written: only then may the mount go. */
async function untilDelivered(
  opened: OpenedMountWorkdir,
  { clock, logger, leavesSoon }: WorkdirDependencies & { readonly leavesSoon: boolean },
): Promise<void> {
  const deadlineMs = leavesSoon ? clock.monotonic() + LAST_WORDS_MS : Number.POSITIVE_INFINITY;
  while (clock.monotonic() < deadlineMs) {
    const left = await opened.undelivered();
    if (left === 0) return;
    if (!opened.workdir.connected()) break;
    await delay(clock, DELIVERY_POLL_MS);
  }
  logger.warn({}, 'not everything has reached Box; the next mount sends the rest');
}

async function openOnOwnMount(
  configuration: ParticipantConfiguration,
  key: BoxKey | undefined,
  dependencies: WorkdirDependencies,
): Promise<OpenedWorkdir> {
  const layout = mountLayoutOf(configuration);
  const mount = await startOwnMount(configuration, { ...dependencies, environment: process.env, key });
  const opened = await mirrorStands(configuration, dependencies)
    .then(() => openMountWorkdir({ ...dependencies, layout }))
    .catch(async (error) => {
      await mount.stop();
      throw error;
    });
  const { trouble, connected } = opened.workdir;
  return {
    workdir: {
      ...opened.workdir,
      trouble: () => mount.trouble() ?? trouble?.() ?? null,
      connected: () => mount.trouble() === null && connected(),
    },
    async close() {
      await untilDelivered(opened, { ...dependencies, leavesSoon: dependencies.signal.aborted });
      await opened.close();
      await mount.stop();
    },
  };
}
