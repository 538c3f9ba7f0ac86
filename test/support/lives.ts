import { spawn } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const PROJECT = join(import.meta.dirname, '../..');
const LIVES_MAX = 12;

/** The built program where it is as new as its sources, which starts faster; else the sources. */
function programArguments(): readonly string[] {
  const built = join(PROJECT, 'dist/cli/mila.js');
  const sources = readdirSync(join(PROJECT, 'src'), { recursive: true, encoding: 'utf8' });
  const newest = Math.max(...sources.map((path) => statSync(join(PROJECT, 'src', path)).mtimeMs));
  const isBuilt = existsSync(built) && statSync(built).mtimeMs > newest;
  return isBuilt ? [built] : ['--import', 'tsx', join(PROJECT, 'src/cli/mila.ts')];
}
const PROGRAM = programArguments();

/** One life of a process. */
export interface Life {
  readonly exitCode: number | null;
  /** Events until the process ended or was killed. */
  readonly events: readonly { readonly event: string; readonly round?: number }[];
}

/** One life of a real process, killed without warning at the first event of a kind. */
function live(args: readonly string[], deadly: string | undefined): Promise<Life> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [...PROGRAM, ...args], {
      cwd: PROJECT,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const events: { event: string }[] = [];
    let words = '';
    child.stderr.on('data', (chunk: Buffer) => {
      words += chunk.toString();
    });
    createInterface({ input: child.stdout }).on('line', (line) => {
      const event = JSON.parse(line) as { event: string };
      events.push(event);
      if (deadly !== undefined && event.event === deadly) child.kill('SIGKILL');
    });
    child.on('error', reject);
    child.on('close', (exitCode) => {
      if (exitCode === null || exitCode === 0) resolve({ exitCode, events });
      else reject(new Error(`${args.join(' ')} left with ${exitCode}: ${words}`));
    });
  });
}

/** Live on after every death, until the process ends by itself; returns all lives. */
export async function liveOn(args: readonly string[], deaths: readonly string[]): Promise<readonly Life[]> {
  const lives: Life[] = [];
  const left = [...deaths];
  while (lives.length < LIVES_MAX) {
    const life = await live(args, left.shift());
    lives.push(life);
    if (life.exitCode === 0) return lives;
  }
  throw new Error(`no end after ${LIVES_MAX} lives`);
}
