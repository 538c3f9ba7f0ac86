import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import { StateError } from '../errors.ts';
import type { MountLayout } from '../sync/local/mirror-root.ts';
import { lockOwner } from '../sync/mount/lock-owner.ts';
import { lockPath } from '../sync/mount/mount.ts';
import { nothingMounted } from '../sync/mount/nothing-mounted.ts';
import { runningMounts } from '../sync/mount/registry.ts';

/** Where this user's mounts are remembered; undefined for a user without a home directory. */
export function registryFolder(
  environment: NodeJS.ProcessEnv,
  home: () => string = homedir,
): string | undefined {
  // As the XDG specification wants it: a path that is empty or relative counts as not set.
  const absolute = (path: string | undefined) => (path !== undefined && isAbsolute(path) ? path : undefined);
  const state = absolute(environment['XDG_STATE_HOME']);
  if (state !== undefined) return join(state, 'mila-sync', 'mounts');
  const own = absolute(homeOf(home));
  return own === undefined ? undefined : join(own, '.local', 'state', 'mila-sync', 'mounts');
}

/** A user id that the system does not know has no home, and asking for it is an error. */
function homeOf(home: () => string): string | undefined {
  try {
    return home();
  } catch {
    return undefined;
  }
}

/** No mount of this user is known to run. */
export function noneRunning(): StateError {
  return registryFolder(process.env) === undefined
    ? nothingMounted(
        undefined,
        'Mounts are remembered below the home directory, and this user has none: name the mount directory.',
      )
    : nothingMounted(undefined, 'Start a mount with: mila-sync mount CONFIG; or name its directory.');
}

/** The mounts that a command means: that of a directory, or all of this user. Errors: StateError 'nothing-mounted'. */
export async function chosenMounts(directory: string | undefined): Promise<readonly MountLayout[]> {
  if (directory === undefined) {
    const all = await runningMounts(registryFolder(process.env));
    if (all.length === 0) throw noneRunning();
    return all;
  }
  const layout = { directory: resolve(directory), rootPath: [] };
  if ((await lockOwner(lockPath(layout))) === undefined) throw nothingMounted(layout.directory);
  return [layout];
}

/** The one mount that a command means. Errors: StateError 'which-mount' when several run and none was named. */
export async function chosenMount(directory: string | undefined): Promise<MountLayout> {
  const [first, ...others] = await chosenMounts(directory);
  if (first === undefined) throw noneRunning();
  if (others.length === 0) return first;
  throw new StateError({
    code: 'which-mount',
    message: `${others.length + 1} mounts are running: say which directory is meant`,
    hint: [first, ...others].map((each) => each.directory).join('\n'),
  });
}
