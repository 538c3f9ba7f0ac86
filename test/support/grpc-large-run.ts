import { existsSync, readFileSync } from 'node:fs';
import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeStateDict } from '../../src/fl/torch/state-dict-file.ts';
import { eventually } from './eventually.ts';
import type { Started } from './programs.ts';
import { startProgram } from './programs.ts';

/** Where a checkpoint's tensors begin: no size between two of these steps can be had. Units: bytes. */
const ALIGNMENT_BYTES = 64;

/** Write a checkpoint of one tensor, as large as that: a multiple of four bytes. Returns the file's size. */
export async function writeLargeCheckpoint(path: string, tensorBytes: number): Promise<number> {
  const bytes = new Uint8Array(tensorBytes).fill(7);
  await writeStateDict(path, new Map([['w', { dtype: 'float32', shape: [tensorBytes / 4], bytes }]]));
  return (await stat(path)).size;
}

/** Write the smallest checkpoint that has at least `sizeBytes`. Returns the file's size. */
export async function writeCheckpointOf(path: string, sizeBytes: number): Promise<number> {
  const frameBytes = (await writeLargeCheckpoint(path, 4_096)) - 4_096;
  return writeLargeCheckpoint(path, 4 * Math.ceil((sizeBytes - frameBytes + ALIGNMENT_BYTES) / 4));
}

export interface LargeRun {
  readonly root: string;
  readonly checkpoint: string;
  /** Pairs for both sides' `grpc_configuration.options`. */
  readonly options: Readonly<Record<'server' | 'client', readonly (readonly [string, number])[]>>;
}

/** The most memory that a process ever had. Units: bytes. */
function peakBytes(pid: number): number {
  const path = `/proc/${pid}/status`;
  const line = existsSync(path) ? /VmHWM:\s*(\d+) kB/.exec(readFileSync(path, 'utf8')) : null;
  return line === null ? 0 : Number(line[1]) * 1_024;
}

export interface Measured {
  readonly exitCode: number | string;
  readonly peakBytes: number;
  readonly stderr: string;
}

async function measure(program: Started): Promise<Measured> {
  let peak = 0;
  const look = setInterval(() => {
    try {
      peak = Math.max(peak, peakBytes(program.pid));
    } catch {
      // It ended between the question and the look.
    }
  }, 50);
  const exitCode = await program.ended;
  clearInterval(look);
  return { exitCode, peakBytes: peak, stderr: program.stderr() };
}

function portOf(server: Started): number {
  const line = /\{"event":"listening".*\}/.exec(server.stdout());
  if (line === null) throw new Error(`the server does not listen: ${server.stderr()}`);
  return (JSON.parse(line[0]) as { port: number }).port;
}

/** One round between a real server and one real client, whose checkpoint is the file that it is given. */
export async function largeRun({
  root,
  checkpoint,
  options,
}: LargeRun): Promise<Record<'server' | 'client', Measured>> {
  const write = (name: string, value: unknown) => writeFile(join(root, name), JSON.stringify(value));
  await writeFile(
    join(root, 'train.mjs'),
    "import { copyFileSync } from 'node:fs'; copyFileSync(process.argv[2], process.argv[3] + '/model.pt');",
  );
  await write('task.json', { epochs: 1 });
  await write('server.json', {
    server_type: 'mila.services.servers.GrpcServer',
    grpc_configuration: { target: '127.0.0.1:0', options: options.server },
    task_configuration_file: join(root, 'task.json'),
    save_path: join(root, 'server'),
    rounds_count: 1,
    minimum_clients: 1,
    workers: 1,
    client_wait_time: 0.1,
    // A command that hangs must not hold the test.
    heartbeat_timeout: 60,
  });
  const server = startProgram('mila', ['server', join(root, 'server.json'), '--json']);
  try {
    const port = await eventually(() => portOf(server));
    await write('site.json', {
      name: 'site',
      client_type: 'mila.services.clients.GrpcClient',
      grpc_configuration: { target: `127.0.0.1:${port}`, options: options.client },
      save_path: join(root, 'site'),
      heartbeat_frequency: 5,
      retry_timeout: 0.2,
      executor_type: 'mila.executors.Command',
      executor_options: { command: [process.execPath, join(root, 'train.mjs'), checkpoint, '{output}'] },
    });
    const client = startProgram('mila', ['client', join(root, 'site.json'), '--json']);
    const [atServer, atClient] = await Promise.all([measure(server), measure(client)]);
    return { server: atServer, client: atClient };
  } finally {
    server.process.kill('SIGKILL');
  }
}
