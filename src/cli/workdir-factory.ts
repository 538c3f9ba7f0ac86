import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Clock } from '../clock.ts';
import { ConfigError, StateError } from '../errors.ts';
import type { ParticipantConfiguration } from '../fl/config.ts';
import { openPlainWorkdir } from '../fl/transport/plain-workdir.ts';
import type { Workdir } from '../fl/transport/workdir.ts';
import type { Logger } from '../logger.ts';
import { lockOwner } from '../sync/mount/lock.ts';
import { indexPath, lockPath } from '../sync/mount/mount.ts';
import { mountLayoutOf } from './mount-layout.ts';
import { openMountWorkdir } from './mount-workdir.ts';

/** What the command line says about where the files live. */
export interface WorkdirFlags {
  /** A plain shared folder instead of a mount. */
  readonly dir?: string;
  /** Start and stop a mount of one's own. */
  readonly mount?: boolean;
}

interface WorkdirDependencies {
  readonly clock: Clock;
  readonly logger: Logger;
}

/** A shared folder, and what must be undone when it is no longer needed. */
export interface OpenedWorkdir {
  readonly workdir: Workdir;
  close(): Promise<void>;
}

/**
 * Open the shared folder that a configuration and the command line name.
 *
 * Errors: StateError 'nothing-mounted' with the command to type; ConfigError when no folder is named at all.
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
  if (flags.dir !== undefined) {
    const root = join(resolve(flags.dir), shared_dir_name, save_path);
    return { workdir: await openPlainWorkdir({ root, ...dependencies }), close: async () => {} };
  }
  const layout = mountLayoutOf(configuration);
  if ((await lockOwner(lockPath(layout))) === undefined || !existsSync(indexPath(layout)))
    throw new StateError({
      code: 'nothing-mounted',
      message: `nothing is mounted at ${layout.directory}`,
      hint: `Type: mila-sync mount ${path}`,
      data: { dir: layout.directory },
    });
  return openMountWorkdir({ layout, ...dependencies });
}
