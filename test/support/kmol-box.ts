import { type ChildProcess, execFile } from 'node:child_process';
import { join } from 'node:path';

import { PYTHON } from '../unit/fl/torch/python.ts';

/** Peers that behave in a Box folder as kMoL's own programs do. */
export const KMOL_BOX = join(import.meta.dirname, 'kmol_box.py');

/** Run a peer to its end and read what it printed last. */
export function runPeer(
  role: 'server' | 'client',
  settings: Record<string, unknown>,
  running: ChildProcess[],
): Promise<Record<string, unknown>> {
  return new Promise((resolve, reject) => {
    const child = execFile(
      PYTHON,
      [KMOL_BOX, role, JSON.stringify(settings)],
      { env: { ...process.env, NO_PROXY: '127.0.0.1', OMP_NUM_THREADS: '1' } },
      (error, stdout, stderr) => {
        if (error !== null) reject(new Error(`kMoL's ${role}: ${stderr}`));
        else resolve(JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Record<string, unknown>);
      },
    );
    running.push(child);
  });
}
