import { execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { eventually } from './eventually.ts';
import { freePort } from './free-port.ts';

const run = promisify(execFile);
const PYTHON = '/usr/bin/python3';
const root = fileURLToPath(new URL('../..', import.meta.url));
const READER = fileURLToPath(new URL('python/tensorboard_reader.py', import.meta.url));
const packages = process.env['MILA_PYTHON_PEERS'] ?? join(root, 'node_modules', '.mila-python');
/** MLflow makes its database and starts several processes first. Units: milliseconds. */
const START_MAX_MS = 120_000;

type Package = 'tensorboard' | 'mlflow';

const environment = (name: Package) => ({
  PATH: process.env['PATH'],
  HOME: process.env['HOME'],
  NO_PROXY: '127.0.0.1',
  PYTHONDONTWRITEBYTECODE: '1',
  PYTHONPATH: join(packages, name),
  MLFLOW_DISABLE_TELEMETRY: 'true',
});

/** True where the package is installed (npm run python-peers); always in CI, where it must be. */
export function hasTracker(name: Package): boolean {
  return Boolean(process.env['CI']) || existsSync(join(packages, name, '.mila-installed'));
}

/** The points of each tag as TensorBoard's own reader has them: step, value, seconds since 1970. */
export type Curves = Readonly<Record<string, readonly (readonly [number, number, number])[]>>;

/** Read the event files of a folder by TensorBoard itself. */
export async function readByTensorboard(folder: string): Promise<Curves> {
  const { stdout } = await run(PYTHON, [READER, folder], {
    env: environment('tensorboard'),
    timeout: 60_000,
  });
  return JSON.parse(stdout) as Curves;
}

/** An `mlflow server` that runs. */
export interface MlflowServer {
  readonly uri: string;
  /** Ask its API. */
  ask(call: string, body?: object): Promise<Record<string, unknown>>;
  close(): Promise<void>;
}

/** Start an `mlflow server` whose database and artifacts are in `folder`. */
export async function startMlflow(folder: string): Promise<MlflowServer> {
  const port = await freePort();
  const uri = `http://127.0.0.1:${port}`;
  const store = ['--backend-store-uri', `sqlite:///${folder}/mlflow.db`, '--artifacts-destination', folder];
  const args = [
    '-m',
    'mlflow',
    'server',
    '--host',
    '127.0.0.1',
    '--port',
    String(port),
    '--workers',
    '1',
    ...store,
  ];
  const child = spawn(PYTHON, args, {
    env: environment('mlflow'),
    stdio: ['ignore', 'ignore', 'pipe'],
    detached: true,
  });
  let words = '';
  child.stderr.on('data', (chunk: Buffer) => {
    words = `${words}${chunk}`.slice(-4_000);
  });
  const gone = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const close = async () => {
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGKILL');
    await gone;
  };
  const ask = async (call: string, body?: object): Promise<Record<string, unknown>> => {
    const response = await fetch(`${uri}/api/2.0/mlflow/${call}`, {
      ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
      headers: { 'content-type': 'application/json' },
    });
    if (!response.ok) throw new Error(`${call}: ${response.status} ${await response.text()}`);
    return (await response.json()) as Record<string, unknown>;
  };
  try {
    await eventually(async () => {
      if (child.exitCode !== null) throw new Error(`mlflow ended: ${words}`);
      await ask('experiments/get?experiment_id=0');
    }, START_MAX_MS);
  } catch (error) {
    await close();
    throw error;
  }
  return { uri, ask, close };
}
