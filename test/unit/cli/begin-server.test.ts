import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { serverCommand } from '../../../src/cli/commands/server.ts';
import { exitCodeOf } from '../../../src/cli/exit-codes.ts';
import { messageOf } from '../../../src/errors.ts';
import { refusalOf } from '../../support/command-refusal.ts';

const CHECKPOINTS = new URL('../../../fixtures/checkpoints/files/', import.meta.url).pathname;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mila-begin-server-'));
  mkdirSync(join(folder, 'shared'));
  writeFileSync(join(folder, 'task.json'), '{"epochs":1}');
  vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  vi.spyOn(process.stderr, 'write').mockReturnValue(true);
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true, force: true });
});

/** Start a server that must refuse; what it says. */
async function refusal(keys: object): Promise<unknown> {
  const path = join(folder, 'server.json');
  const configuration = {
    server_type: 'mila.services.servers.BoxServer',
    box_configuration: { shared_dir_name: 'study', save_path: 'run' },
    task_configuration_file: join(folder, 'task.json'),
    save_path: join(folder, 'results'),
    ...keys,
  };
  writeFileSync(path, JSON.stringify(configuration));
  return refusalOf(serverCommand(), path, '--dir', join(folder, 'shared'), '--quiet');
}

const runsBegun = () => {
  try {
    return readdirSync(join(folder, 'shared', 'study', 'run'));
  } catch {
    return [];
  }
};

it.each([
  ['no_model_key.pt', /start_point: .* is no checkpoint to begin with: .*no "model"/s],
  ['m_pickle_truncated.pt', /start_point: .* is no checkpoint to begin with/],
  ['missing.pt', /start_point: .*missing.pt does not exist/],
  ['words.pt', /start_point: .* is no checkpoint to begin with/],
  ['.', /start_point: .* cannot be read: it is a directory/],
])('refuses the start point %s with exit code 2 before anybody hears of a run', async (name, words) => {
  writeFileSync(join(folder, 'words.pt'), 'not a checkpoint');
  for (const file of ['no_model_key.pt', 'm_pickle_truncated.pt'])
    copyFileSync(join(CHECKPOINTS, file), join(folder, file));
  const refused = await refusal({ start_point: join(folder, name) });
  expect(messageOf(refused)).toMatch(words);
  expect(exitCodeOf(refused)).toBe(2);
  expect(runsBegun()).toEqual([]);
});

it.each([
  [
    'weights of 0',
    { aggregator_type: 'weighted', aggregator_options: { weights: { a: 0, b: 0 } } },
    /above 0/,
  ],
  ['no weights', { aggregator_type: 'weighted', aggregator_options: { weights: {} } }, /above 0/],
  ['a near aggregator', { aggregator_type: 'trimed-mean' }, /did you mean trimmed-mean\?/],
  ['no task', { task_configuration_file: '/no/such/task.json' }, /task\.json does not exist/],
  ['a directory as task', { task_configuration_file: tmpdir() }, /cannot be read: it is a directory/],
])('refuses %s with exit code 2 before anybody hears of a run', async (_what, keys, words) => {
  const refused = await refusal(keys);
  expect(messageOf(refused)).toMatch(words);
  expect(exitCodeOf(refused)).toBe(2);
  expect(runsBegun()).toEqual([]);
});

it('tells in one sentence, with a hint, that nothing can be written where the run would go', async () => {
  rmSync(join(folder, 'shared'), { recursive: true });
  mkdirSync(join(folder, 'shared'));
  writeFileSync(join(folder, 'shared', 'study'), 'a file in its place');
  const refused = await refusal({});
  expect(exitCodeOf(refused)).toBe(4);
  expect(messageOf(refused)).toMatch(/study.run cannot be made: part of its path is a file and no directory/);
  expect(refused).toMatchObject({ hint: expect.stringContaining('--dir') });
});
