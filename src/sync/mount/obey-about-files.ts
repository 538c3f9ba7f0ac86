import type { Clock } from '../../clock.ts';
import { StateError } from '../../errors.ts';
import type { Random } from '../../random.ts';
import type { Filter } from '../plan/op.ts';
import type { ControlRequest } from './control-socket.ts';
import { historyOf, keepHere, keepOnline, type RunningParts, restoreVersion } from './file-requests.ts';
import { putDamagedAside } from './repair.ts';
import { verifyBox } from './verification.ts';

/** What can be asked about files, as against the mount as a whole. */
export type FileRequest = Exclude<
  ControlRequest,
  { command: 'status' | 'pause' | 'resume' | 'sync' | 'stop' }
>;

/**
 * Do what is asked about files.
 *
 * Errors: StateError 'not-ready' before the folder in Box was found; those of each request.
 */
export function obeyAboutFiles(
  request: FileRequest,
  running: RunningParts | undefined,
  options: { readonly clock: Clock; readonly random: Random; readonly filter: Filter },
): unknown {
  if (running === undefined) {
    throw new StateError({
      code: 'not-ready',
      message: 'the mount has not found its folder in Box yet',
      hint: 'Wait until `mila-sync status` shows it in sync, then try again.',
    });
  }
  switch (request.command) {
    case 'get':
      return keepHere(running, request.paths);
    case 'evict':
      return keepOnline(running, request.paths);
    case 'history':
      return historyOf(running, request.path);
    case 'restore':
      return restoreVersion(running, request);
    case 'repair':
      return putDamagedAside({ ...running, ...options }, request.paths).then((repaired) => {
        running.engine.syncNow();
        return repaired;
      });
    case 'verify-remote':
      return verifyBox(
        running.store,
        running.replica.remote,
        (path, kind) => options.filter(path, kind) !== 'ignore',
      );
  }
}
