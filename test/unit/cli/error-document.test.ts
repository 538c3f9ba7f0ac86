import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { exitCodeOf } from '../../../src/cli/exit-codes.ts';
import { MILA_COMMANDS } from '../../../src/cli/mila-commands.ts';
import { MILA_SYNC_COMMANDS } from '../../../src/cli/mila-sync-commands.ts';
import { failWith, processOutput } from '../../../src/cli/output.ts';
import { commandsFor, createProgram, runProgram } from '../../../src/cli/program.ts';
import { StateError } from '../../../src/errors.ts';

let folder: string;
let out: string;
let err: string;
const argv = process.argv;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mila-error-document-'));
  [out, err] = ['', ''];
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    out += String(text);
    return true;
  });
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    err += String(text);
    return true;
  });
  vi.stubEnv('XDG_STATE_HOME', join(folder, 'state'));
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  process.argv = argv;
  process.exitCode = undefined;
  rmSync(folder, { recursive: true, force: true });
});

/** Run a whole program on a command line; returns its exit code. */
async function run(name: 'mila' | 'mila-sync', ...words: readonly string[]): Promise<unknown> {
  process.argv = ['node', name, ...words];
  const sources = name === 'mila' ? MILA_COMMANDS : MILA_SYNC_COMMANDS;
  await runProgram(createProgram(name, 'test', await commandsFor(process.argv, sources)));
  return process.exitCode;
}

it.each([
  ['mila-sync', ['status'], 4, 'nothing-mounted'],
  ['mila-sync', ['status', '/nowhere'], 4, 'nothing-mounted'],
  ['mila-sync', ['unmount', '/nowhere'], 4, 'nothing-mounted'],
  ['mila-sync', ['ls', '--dir', '/nowhere'], 4, 'never-mounted'],
  ['mila-sync', ['inspect', '/nowhere'], 4, 'no-run'],
  ['mila-sync', ['doctor', '/nowhere.json'], 2, 'configuration-missing'],
  ['mila', ['server', '/nowhere.json'], 2, 'configuration-missing'],
  ['mila', ['client', '/'], 2, 'configuration-missing'],
  ['mila', ['checkpoint', 'verify', '/nowhere.pt'], 4, undefined],
  ['mila', ['checkpoint', 'verify'], 2, 'usage'],
  ['mila', ['demo', '--clients', 'many'], 2, 'usage'],
] as const)('%s %j --json tells an error as one JSON document', async (program, words, exit, code) => {
  expect(await run(program, ...words, '--json')).toBe(exit);
  const lines = out.trim().split('\n');
  expect(lines).toHaveLength(1);
  const { error } = JSON.parse(lines[0] ?? '') as { error: Record<string, unknown> };
  expect(error).toEqual({
    code: code ?? expect.any(String),
    message: expect.any(String),
    hint: error['hint'],
  });
  expect(err).toContain('error:');
  expect(err).not.toMatch(/^\s+at /m);
});

it('without --json, or with it behind --, standard output stays empty', async () => {
  expect(await run('mila-sync', 'status')).toBe(4);
  expect(out).toBe('');
  expect(await run('mila', 'checkpoint', 'verify', '--', '--json')).toBe(4);
  expect(out).toBe('');
});

it.each([
  'ENOENT',
  'EISDIR',
  'ENOTDIR',
  'EACCES',
  'EROFS',
  'ENOSPC',
  'EDQUOT',
  'EMFILE',
  'EIO',
  'ENAMETOOLONG',
])(
  'what the system refuses with %s is one plain sentence with the path and a hint, and exit code 4',
  (code) => {
    const error = Object.assign(new Error(`${code}: some words of the system, mkdir '/data/box'`), {
      code,
      errno: -1,
      syscall: 'mkdir',
      path: '/data/box',
    });
    expect(exitCodeOf(error)).toBe(4);
    failWith(error, true);
    expect(err).toMatch(/^error: \/data\/box: [a-z].*\n {2}[A-Z].*\.\n$/);
    expect(err).not.toContain(code);
    expect(JSON.parse(out)).toMatchObject({ error: { code: 'system', hint: expect.any(String) } });
  },
);

it.each([
  ['mila', ['checkpoint', 'nonsense', '--help'], /unknown command 'nonsense'/],
  ['mila', ['checkpoint', 'shwo', '--help'], /did you mean show\?/],
  ['mila', ['sever', '--help'], /did you mean server\?/],
  ['mila-sync', ['mont', '--help'], /did you mean mount\?/],
  ['mila-sync', ['nonsense', '--help'], /unknown command 'nonsense'/],
] as const)('%s %j is no help, but exit code 2 and what is meant', async (program, words, said) => {
  expect(await run(program, ...words)).toBe(2);
  expect(err).toMatch(said);
});

it.each(['mila', 'mila-sync'] as const)(
  'the help of %s shows no empty default and one kind of apostrophe',
  async (name) => {
    const sources = name === 'mila' ? MILA_COMMANDS : MILA_SYNC_COMMANDS;
    for (const { load } of sources)
      for (const command of await load())
        for (const each of [command, ...command.commands]) {
          const help = each.helpInformation();
          expect(help).not.toMatch(/default: \[\]|’|<[A-Z]/);
        }
  },
);

it('inspect of a folder that holds runs takes the newest, and of any other folder is no success', async () => {
  for (const name of ['2026-01-01_10-00-00', '2026-02-01_10-00-00'])
    mkdirSync(join(folder, 'study', name), { recursive: true });
  expect(await run('mila-sync', 'inspect', join(folder, 'study'))).toBe(4);
  expect(err).toContain('holds 2 runs; the newest is taken: 2026-02-01_10-00-00');
  expect(err).toContain(`${join(folder, 'study', '2026-02-01_10-00-00')} is no run folder: it is empty`);
  writeFileSync(join(folder, 'thesis.tex'), '');
  rmSync(join(folder, 'study'), { recursive: true });
  expect(await run('mila-sync', 'inspect', folder)).toBe(4);
  expect(err).toContain('nothing in it belongs to a run');
});

it('a command whose one document tells what was found adds no second one', () => {
  processOutput({ json: true }).document({ event: 'ready' });
  failWith(new StateError({ code: 'x', message: 'after an event' }), true);
  expect(out.trim().split('\n')).toHaveLength(2);
  out = '';
  processOutput({ json: true }).document({ findings: [] });
  failWith(new StateError({ code: 'x', message: 'damage was found' }), true);
  expect(out).toBe('{"findings":[]}\n');
});
