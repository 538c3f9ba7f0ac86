import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { StateError } from '../errors.ts';
import type { MountLayout } from '../sync/local/mirror-root.ts';
import { lockOwner } from '../sync/mount/lock.ts';
import { lockPath } from '../sync/mount/mount.ts';
import { runningMounts } from '../sync/mount/registry.ts';

/** Where this user's mounts are remembered. */
export function registryFolder(environment: NodeJS.ProcessEnv): string {
  return join(environment['XDG_STATE_HOME'] ?? join(homedir(), '.local', 'state'), 'mila-sync', 'mounts');
}

function nothingMounted(directory?: string): StateError {
  return new StateError({
    code: 'nothing-mounted',
    message: directory === undefined ? 'no mount of yours is running' : `nothing is mounted at ${directory}`,
    hint: 'Start a mount with: mila-sync mount CONFIG',
  });
}

/** The mounts that a command means: that of a directory, or all of this user. Errors: StateError 'nothing-mounted'. */
export async function chosenMounts(directory: string | undefined): Promise<readonly MountLayout[]> {
  if (directory === undefined) {
    const all = await runningMounts(registryFolder(process.env));
    if (all.length === 0) throw nothingMounted();
    return all;
  }
  const layout = { directory: resolve(directory), rootPath: [] };
  if ((await lockOwner(lockPath(layout))) === undefined) throw nothingMounted(layout.directory);
  return [layout];
}

/** The one mount that a command means. Errors: StateError 'which-mount' when several run and none was named. */
export async function chosenMount(directory: string | undefined): Promise<MountLayout> {
  const [first, ...others] = await chosenMounts(directory);
  if (first === undefined) throw nothingMounted(directory);
  if (others.length === 0) return first;
  throw new StateError({
    code: 'which-mount',
    message: `${others.length + 1} mounts are running: say which directory is meant`,
    hint: [first, ...others].map((each) => each.directory).join('\n'),
  });
}
