import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';

/** Debian's Python, which Debian's PyTorch belongs to. */
export const PYTHON = '/usr/bin/python3';

/** True where Debian's PyTorch can be asked; always in CI, where it must be there. */
export function hasTorch(): boolean {
  if (process.env['CI']) return true;
  if (!existsSync(PYTHON)) return false;
  try {
    execFileSync(PYTHON, ['-c', 'import torch'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Run a Python script; returns what it prints. */
export function python(script: string, ...args: readonly string[]): string {
  return execFileSync(PYTHON, ['-c', script, ...args], { encoding: 'utf8' });
}
