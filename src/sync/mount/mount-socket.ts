import { messageOf } from '../../errors.ts';
import type { Logger } from '../../logger.ts';
import { type ControlHandler, type ControlSocket, openControlSocket } from './control-socket.ts';

interface MountSocketOptions {
  readonly logger: Logger;
  readonly onNotice?: (key: string, text: string | undefined) => void;
}

/** Listen for commands. Guarantees: never rejects: without its socket a mount mirrors as before, and says so. */
export function openMountSocket(
  path: string,
  handle: ControlHandler,
  { logger, onNotice }: MountSocketOptions,
): Promise<ControlSocket> {
  return openControlSocket(path, handle, (error) => {
    logger.warn({ path, error: messageOf(error) }, 'the control socket does not work');
    onNotice?.(
      'control',
      `commands cannot reach this mount (${messageOf(error)}: ${path}); to stop it: kill ${process.pid}`,
    );
  });
}
