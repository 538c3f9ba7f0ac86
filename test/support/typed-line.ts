import { spawn } from 'node:child_process';
import { expect } from 'vitest';
import { eventually } from './eventually.ts';

const SAYING_TIMEOUT_MS = 60_000;

/** Where a line is typed. */
export interface Shell {
  readonly folder: string;
  readonly environment: NodeJS.ProcessEnv;
}

/** A line that a shell runs, with all that came of it so far. */
export interface TypedLine {
  readonly stdout: () => string;
  /** Both outputs, in the order of their arrival. */
  readonly said: () => string;
  /** The exit code, or the signal's name. Resolves when nothing holds the outputs any more. */
  readonly ended: Promise<number | string>;
  /** Resolves when `words` were said. Errors: when the line ends, or a minute passes, before. */
  waitFor(words: string): Promise<void>;
  /** As Ctrl-C does it: to every program of the line. */
  interrupt(): void;
  /** End what still runs, at once. */
  kill(): void;
}

/** Type a line at a POSIX shell, with an input at which nobody types. */
export function typeLine(text: string, { folder, environment }: Shell): TypedLine {
  // The shell stays to tell its program's exit code, as one at a terminal does.
  const child = spawn('sh', ['-c', `trap : INT\n${text}`], { cwd: folder, env: environment, detached: true });
  const { pid } = child;
  if (pid === undefined) throw new Error('there is no sh on the PATH');
  let stdout = '';
  let said = '';
  let isOver = false;
  child.stdout.setEncoding('utf8').on('data', (more: string) => {
    stdout += more;
    said += more;
  });
  child.stderr.setEncoding('utf8').on('data', (more: string) => {
    said += more;
  });
  const ended = new Promise<number | string>((resolve) => {
    child.once('close', (code, signal) => {
      isOver = true;
      resolve(signal ?? code ?? 'unknown');
    });
  });
  const signalled = (name: NodeJS.Signals) => {
    if (!isOver) process.kill(-pid, name);
  };
  return {
    stdout: () => stdout,
    said: () => said,
    ended,
    async waitFor(words) {
      const early = ended.then((code) => {
        if (!said.includes(words)) throw new Error(`${text}\nended with ${code} before "${words}":\n${said}`);
      });
      const saying = eventually(() => expect(said, text).toContain(words), SAYING_TIMEOUT_MS);
      await Promise.race([saying, early]);
    },
    interrupt: () => signalled('SIGINT'),
    kill: () => signalled('SIGKILL'),
  };
}
