import { type ChildProcess, spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';

const tsx = createRequire(import.meta.url).resolve('tsx/cli');
const HOST = resolve(import.meta.dirname, 'host-process.ts');

/** An emulator in a process of its own. */
export interface EmulatorProcess {
  readonly url: string;
  /** Kill it without a warning, and wait until it is gone. */
  kill(): Promise<void>;
}

/** Start an emulator that can be killed, or that has its own open files. */
export async function startProcess(dataDir: string): Promise<EmulatorProcess> {
  const child = spawn(process.execPath, [tsx, HOST, dataDir], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [url = '', pid = ''] = (await firstLine(child)).split(' ');
  return { url, kill: () => killHard(Number(pid), child) };
}

function firstLine(child: ChildProcess): Promise<string> {
  return new Promise((done, fail) => {
    child.stdout?.once('data', (chunk: Buffer) => done(chunk.toString().trim()));
    child.once('exit', () => fail(new Error('the emulator ended before it was ready')));
  });
}

/** tsx runs the program in a child of its own, which tells its process id. */
async function killHard(pid: number, child: ChildProcess): Promise<void> {
  const gone = new Promise((done) => child.once('exit', done));
  process.kill(pid, 'SIGKILL');
  await gone;
}
