import { StateError } from '../../errors.ts';
import type { MountLayout } from '../local/mirror-root.ts';
import { askSocket, type ControlRequest } from './control-socket.ts';
import { lifeOf, lockOwner, processScope } from './lock-owner.ts';
import { lockPath, socketPath } from './mount.ts';
import { mountSilent, nothingMounted } from './nothing-mounted.ts';

/**
 * Ask a running mount something.
 *
 * Errors: StateError 'nothing-mounted' when nobody holds the directory's lock; 'mount-silent' | 'mounted-elsewhere'
 * when somebody does who cannot be asked from here; with the mount's own code when it answers with an error.
 */
export async function askMount(
  layout: MountLayout,
  request: ControlRequest,
  timeoutMs?: number,
): Promise<unknown> {
  try {
    return await askSocket(socketPath(layout), request, timeoutMs);
  } catch (error) {
    if (error instanceof StateError && error.code === 'no-answer') throw await whySilent(layout, error);
    throw error;
  }
}

async function whySilent(layout: MountLayout, cause: unknown): Promise<StateError> {
  const lock = lockPath(layout);
  const here = await processScope();
  const owner = await lockOwner(lock, { here });
  if (owner === undefined) return nothingMounted(layout.directory);
  const isNear = (await lifeOf(owner, here)) !== 'foreign';
  return mountSilent({ directory: layout.directory, lock, owner, isNear }, cause);
}
