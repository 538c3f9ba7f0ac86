import { execFileSync, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const PYTHON = '/usr/bin/python3';
const SCRIPT = fileURLToPath(new URL('python/mila_peer.py', import.meta.url));

/** True where Debian's gRPC for Python can be asked; always in CI, where it must be there. */
export function hasPythonGrpc(): boolean {
  if (process.env['CI']) return true;
  if (!existsSync(PYTHON)) return false;
  try {
    execFileSync(PYTHON, ['-c', 'import grpc, google.protobuf'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

export type PeerLine = Readonly<Record<string, unknown>>;

/** A Python peer that runs, and what it said. */
export interface PythonPeer {
  readonly lines: PeerLine[];
  /** The first line with this key, now or later. */
  first(key: string): Promise<PeerLine>;
  readonly done: Promise<readonly PeerLine[]>;
  kill(signal?: NodeJS.Signals): void;
}

/** Start `mila_peer.py`. */
export function pythonPeer(
  role: 'client' | 'server',
  args: readonly [string, string, string],
  options: object = {},
): PythonPeer {
  const child = spawn(PYTHON, [SCRIPT, role, ...args, JSON.stringify(options)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, no_proxy: '*' },
  });
  const lines: PeerLine[] = [];
  const lookers = new Set<() => void>();
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(JSON.parse(line) as PeerLine);
    for (const look of lookers) look();
  });
  const done = new Promise<readonly PeerLine[]>((resolve) => child.once('close', () => resolve(lines)));
  return {
    lines,
    done,
    kill: (signal = 'SIGKILL') => void child.kill(signal),
    first: (key) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const line = lines.find((each) => key in each);
          if (line !== undefined) resolve(line);
        };
        lookers.add(look);
        look();
        void done.then(() => reject(new Error(`the peer ended without "${key}": ${JSON.stringify(lines)}`)));
      }),
  };
}
