import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('../dist/cli/mila-sync.js', import.meta.url));
const TICKS_PER_SECOND = 100;

/** A `mila-sync mount` as a process of its own, measured from outside. */
export interface MountProcess {
  readonly pid: number;
  /** From the start of the process to its `ready`. */
  readonly readyMs: number;
  cpuSeconds(): number;
  rssMib(): number;
  /** Stop in order, and wait. */
  stop(): Promise<void>;
  /** End without warning, and wait. */
  kill(): Promise<void>;
  /** True once it said that both sides agreed. */
  isReady(): boolean;
  /** What it wrote to standard error, where that was asked for. */
  complaints(): string;
  /** Exit code, or the signal's name. */
  readonly ended: Promise<number | string>;
}

interface MountSettings {
  /** `server`, or a client's name. */
  readonly name: string;
  readonly args?: readonly string[];
  /** False: do not wait until it is ready. */
  readonly wait?: boolean;
  /** A command that starts it, such as `unshare --uts`. */
  readonly through?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** True: standard error is kept instead of shown. */
  readonly quiet?: boolean;
}

/** Write a configuration for a session over the emulator, mount it below `folder`, and wait until it is ready. */
export async function startMount(folder: string, settings: MountSettings): Promise<MountProcess> {
  const { name, args = ['--profile', name === 'server' ? 'server' : 'client'], wait = true } = settings;
  const box = {
    box_configuration_path: 'box.json',
    shared_dir_name: 'shared',
    save_path: 'runs',
    group_name: 'group',
    mount_path: `m-${name}`,
    // What the engine can do is measured, not what Box allows an account in a minute.
    rate_limits: { calls_per_minute: 1_000_000, uploads_per_minute: 1_000_000 },
  };
  const role =
    name === 'server'
      ? { server_type: 'mila.services.servers.BoxServer', task_configuration_file: 'task.json' }
      : { client_type: 'mila.services.clients.BoxClient', name };
  await writeFile(join(folder, `${name}.json`), JSON.stringify({ ...role, box_configuration: box }));
  const startedMs = performance.now();
  const [command = '', ...words] = [...(settings.through ?? []), process.execPath, program];
  const child = spawn(command, [...words, 'mount', `${name}.json`, '--json', ...args], {
    cwd: folder,
    env: {
      ...process.env,
      XDG_STATE_HOME: join(folder, 'state'),
      NO_PROXY: '127.0.0.1',
      ...settings.environment,
    },
    stdio: ['ignore', 'pipe', settings.quiet === true ? 'pipe' : 'inherit'],
  });
  let said = '';
  let complaints = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    complaints += text;
  });
  const ended = new Promise<number | string>((resolve) => {
    child.once('close', (code, signal) => resolve(signal ?? code ?? 'unknown'));
  });
  await new Promise<void>((resolve, reject) => {
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      if (said.includes('"event":"ready"')) resolve();
    });
    if (!wait) resolve();
    child.once('exit', (code) => reject(new Error(`the mount of ${name} ended with ${code}`)));
  });
  const { pid } = child;
  if (pid === undefined) throw new Error('the mount has no process');
  const readyMs = performance.now() - startedMs;
  return {
    pid,
    readyMs,
    cpuSeconds() {
      const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
      return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
    },
    rssMib: () =>
      Math.round(Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024),
    async stop() {
      if (child.exitCode !== null) return;
      child.kill('SIGTERM');
      await once(child, 'exit');
    },
    async kill() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    },
    isReady: () => said.includes('"event":"ready"'),
    complaints: () => complaints,
    ended,
  };
}
