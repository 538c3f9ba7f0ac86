import { execFile, execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const PYTHON = '/usr/bin/python3';
const root = fileURLToPath(new URL('../..', import.meta.url));
const scripts = fileURLToPath(new URL('python', import.meta.url));
const packages = process.env['MILA_PYTHON_PEERS'] ?? join(root, 'node_modules', '.mila-python');

/** One of Box's Python SDKs: the folder that `npm run python-peers` installs it into, and the peer that speaks it. */
export interface SdkPeer {
  readonly folder: string;
  readonly script: string;
}

const environment = ({ folder }: SdkPeer) => ({
  PATH: process.env['PATH'],
  HOME: process.env['HOME'],
  NO_PROXY: '127.0.0.1',
  PYTHONDONTWRITEBYTECODE: '1',
  PYTHONPATH: join(packages, folder),
});

/** True where the SDK is installed; always in CI, where it must be. */
export function hasSdk({ folder }: SdkPeer): boolean {
  return Boolean(process.env['CI']) || existsSync(join(packages, folder, '.mila-installed'));
}

/** The names of a peer's scenarios. */
export function scenariosOf(peer: SdkPeer): readonly string[] {
  const printed = execFileSync(PYTHON, [join(scripts, peer.script), 'list'], { encoding: 'utf8' });
  return JSON.parse(printed) as readonly string[];
}

/** Run all scenarios against the Box of a configuration file. Returns what each failed with, or null. */
export async function runScenarios(
  peer: SdkPeer,
  configurationPath: string,
): Promise<ReadonlyMap<string, string | null>> {
  const { stdout } = await run(PYTHON, [join(scripts, peer.script), 'run', configurationPath], {
    env: environment(peer),
    timeout: 120_000,
  });
  const lines = stdout.trim().split('\n');
  return new Map(
    lines.map((line) => {
      const { name, error } = JSON.parse(line) as { name: string; error: string | null };
      return [name, error];
    }),
  );
}
