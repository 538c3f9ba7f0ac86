import type { Server } from 'node:http';
import { errnoOf, reasonOf, StateError } from '../errors.ts';

/** The only address that this machine's own programs serve people and programs at. */
export const LOOPBACK = '127.0.0.1';

/**
 * Listen for this machine alone; returns the port, which for 0 is any free one.
 *
 * Errors: StateError 'port-taken', which names the option as the person typed it.
 */
export function listenOnLoopback(server: Server, port: number, option: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const refuse = (error: Error) => {
      if (errnoOf(error) !== 'EADDRINUSE' && errnoOf(error) !== 'EACCES') return reject(error);
      reject(
        new StateError({
          code: 'port-taken',
          message: `${option} ${port} cannot be listened on: ${reasonOf(error)}`,
          hint: 'Choose another port, or 0 for any free one.',
        }),
      );
    };
    server.once('error', refuse);
    server.listen(port, LOOPBACK, () => {
      server.off('error', refuse);
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : port);
    });
  });
}
