import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { mountCommand } from '../../src/cli/commands/mount.ts';
import { exitCodeOf } from '../../src/cli/exit-codes.ts';
import { messageOf } from '../../src/errors.ts';
import { refusalOf } from '../support/command-refusal.ts';
import { BOX, BoxStage } from '../support/mounted-federation.ts';

let stage: BoxStage;
beforeEach(async () => {
  stage = await BoxStage.open();
  vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  vi.spyOn(process.stderr, 'write').mockReturnValue(true);
});
afterEach(async () => {
  vi.restoreAllMocks();
  await stage.close();
});

it.each([
  ['site_a', { group_name: 'site' }, /no group named "site".*did you mean sites\?/],
  ['server', { shared_dir_name: 'sharde' }, /no folder sharde .*did you mean shared\?/],
  ['server', { shared_dir_name: 'quite another' }, /no folder quite another is shared with .* in Box$/],
])('a mount of %s with %j names what is near', async (name, keys, words) => {
  const box_configuration = {
    box_configuration_path: join(stage.folder, 'box.json'),
    shared_dir_name: BOX.folderName,
    save_path: BOX.savePath,
    group_name: BOX.groupName,
    ...keys,
  };
  const path = await stage.configure(name, { box_configuration });
  const dir = join(stage.folder, 'mount-here');
  const refused = await refusalOf(mountCommand(), path, '--dir', dir, '--once', '--quiet');
  expect(exitCodeOf(refused)).toBe(3);
  expect(messageOf(refused)).toMatch(words);
});
