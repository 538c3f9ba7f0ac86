import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { systemClock } from '../../clock.ts';
import { messageOf, StateError } from '../../errors.ts';
import { scanRun } from '../../fl/inspection/scan-run.ts';
import { EXIT } from '../exit-codes.ts';
import { listenForInterrupt } from '../interrupt.ts';
import type { Output } from '../output.ts';
import { serveLivePage } from './live-server.ts';

interface ServeRequest {
  readonly folder: string;
  readonly port: number;
  readonly checkpoints: 'none' | 'index' | 'whole';
  readonly output: Output;
}

/** Names of lives differ by chance: so few never meet. Units: bytes. */
const LIFE_BYTES = 6;

/** Whether a folder is a run's, or one that holds runs. Errors: StateError 'no-run' where it is neither. */
async function kindOf(folder: string): Promise<'run' | 'runs'> {
  try {
    await scanRun(folder);
    return 'run';
  } catch (error) {
    if (error instanceof StateError && Array.isArray(error.data['runs'])) return 'runs';
    throw error;
  }
}

/** `mila-sync inspect RUN_DIR --serve`: serves the page until it is interrupted. */
export async function serveRun({ folder, port, checkpoints, output }: ServeRequest): Promise<void> {
  const kind = await kindOf(folder);
  const interrupt = listenForInterrupt();
  try {
    const server = await serveLivePage({
      folder: resolve(folder),
      kind,
      checkpoints,
      port,
      clock: systemClock(),
      randomBytes,
      newLife: () => randomBytes(LIFE_BYTES).toString('base64url'),
      onFailure: (error) => output.note(`warning: ${messageOf(error)}`),
    });
    if (output.json) output.document({ event: 'serving', url: server.url, folder: resolve(folder), kind });
    else output.result(server.url);
    output.note('whoever has this address and an account on this machine sees the page; Ctrl-C ends it');
    if (!interrupt.signal.aborted) await once(interrupt.signal, 'abort');
    await server.close();
  } finally {
    interrupt.dispose();
  }
  process.exitCode = EXIT.interrupted;
}
