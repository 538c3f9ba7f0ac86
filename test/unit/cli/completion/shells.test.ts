import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bashCompletion } from '../../../../src/cli/completion/bash.ts';
import { commandTree, placedCommands } from '../../../../src/cli/completion/command-tree.ts';
import { fishCompletion } from '../../../../src/cli/completion/fish.ts';
import { zshCompletion } from '../../../../src/cli/completion/zsh.ts';
import { MILA, MILA_SYNC, wholeProgram } from '../../../../src/cli/programs.ts';
import { type CompletingShell, isPresent, offeredBy } from '../../../support/shells.ts';

const trees = {
  mila: commandTree(await wholeProgram(MILA)),
  'mila-sync': commandTree(await wholeProgram(MILA_SYNC)),
};
const MAKERS = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion };
let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'completion-'));
  await mkdir(join(folder, 'here', 'some folder'), { recursive: true });
  await writeFile(join(folder, 'here', 'server.json'), '{}');
  for (const [shell, make] of Object.entries(MAKERS))
    for (const [program, tree] of Object.entries(trees))
      await writeFile(join(folder, `${program}.${shell}`), make(tree));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

function offered(shell: CompletingShell, ...words: readonly string[]): string {
  return offeredBy(shell, join(folder, `${words[0]}.${shell}`), join(folder, 'here'), words);
}

describe.each(['bash', 'zsh', 'fish'] as const)('%s (skipped where it is missing)', (shell) => {
  const it = test.skipIf(!isPresent(shell, '--version'));

  it.each([
    [['mila', 'se'], ['server'], ['client']],
    [['mila', 'checkpoint', ''], ['show', 'diff', 'verify'], ['server']],
    [['mila', 'server', '--log-l'], ['--log-level'], ['--dir']],
    [['mila', 'demo', '--transport', ''], ['box', 'grpc'], ['server.json']],
    [['mila', 'completion', ''], ['bash', 'zsh', 'fish'], ['server.json']],
    [['mila', 'server', '--quiet', 's'], ['server.json'], []],
    [['mila-sync', 'mount', '--prof'], ['--profile'], ['--dir']],
    [['mila-sync', 'mount', 'server.json', '--conflict-copies', ''], ['apart', 'beside'], ['server.json']],
  ])('completes %j', (words, wanted, unwanted) => {
    const shown = offered(shell, ...words);
    for (const each of wanted) expect(shown).toContain(each);
    for (const each of unwanted) expect(shown).not.toContain(each);
  });

  it('completes folders where a folder is wanted', () => {
    const shown = offered(shell, 'mila', 'server', '--dir', '');
    expect(shown).toContain('some');
    expect(shown).not.toContain('server.json');
  });
});

test('bash completes the value behind an equals sign, and every command with every option', () => {
  expect(offered('bash', 'mila', 'demo', '--transport', '=', 'b').trim()).toBe('box');
  expect(offered('bash', 'mila', 'demo', '--transport', '=').trim().split('\n')).toEqual(['box', 'grpc']);
  for (const { path, options } of placedCommands(trees.mila))
    expect(
      offered('bash', 'mila', ...path, '-')
        .trim()
        .split('\n'),
    ).toEqual(options.flatMap(({ names }) => names));
});
