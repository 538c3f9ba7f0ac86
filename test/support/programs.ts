import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The built program's file. Errors: when nothing is built, because an end-to-end test must never skip silently. */
export function builtProgram(name: 'mila' | 'mila-sync'): string {
  const path = fileURLToPath(new URL(`../../dist/cli/${name}.js`, import.meta.url));
  if (!existsSync(path)) throw new Error(`${path} is missing: npm run build first`);
  return path;
}

/** A program under test with everything it said so far. */
export interface Started {
  readonly process: ChildProcess;
  readonly pid: number;
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** Exit code, or the signal's name. */
  readonly ended: Promise<number | string>;
}

interface StartOptions {
  readonly environment?: Readonly<Record<string, string>>;
}

/** Start a built program. */
export function startProgram(
  name: 'mila' | 'mila-sync',
  args: readonly string[],
  options: StartOptions = {},
): Started {
  const child = spawn(process.execPath, [builtProgram(name), ...args], {
    env: { ...process.env, ...options.environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  if (child.pid === undefined) throw new Error(`${name} does not start`);
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text) => {
    stderr += text;
  });
  return {
    process: child,
    pid: child.pid,
    stdout: () => stdout,
    stderr: () => stderr,
    ended: new Promise((resolve) => {
      child.once('close', (code, signal) => resolve(signal ?? code ?? 'unknown'));
    }),
  };
}

/** The direct children of a process: id and command line. */
export function childrenOf(parent: number): readonly { readonly pid: number; readonly command: string }[] {
  const { stdout } = spawnSync('ps', ['-A', '-o', 'pid=,ppid=,command='], { encoding: 'utf8' });
  return stdout.split('\n').flatMap((line) => {
    const [, pid, ppid, command] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [];
    return Number(ppid) === parent ? [{ pid: Number(pid), command: command ?? '' }] : [];
  });
}

/** Whether a process still exists. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
