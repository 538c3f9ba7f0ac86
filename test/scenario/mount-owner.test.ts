import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { clientCommand } from '../../src/cli/commands/client.ts';
import { mountCommand } from '../../src/cli/commands/mount.ts';
import { serverCommand } from '../../src/cli/commands/server.ts';
import { exitCodeOf } from '../../src/cli/exit-codes.ts';
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

it('a directory is the mount of one participant and one folder, and of nobody else', async () => {
  const server = await stage.configure('server', {});
  const siteA = await stage.configure('site_a', { executor_options: { command: ['true'] } });
  const siteB = await stage.configure('site_b', { executor_options: { command: ['true'] } });
  const dir = join(stage.folder, 'shared-mount');
  const mount = (path: string, ...args: readonly string[]) =>
    refusalOf(mountCommand(), path, '--dir', dir, '--once', '--quiet', ...args);

  expect(await mount(server)).toBeUndefined();
  expect(await mount(server)).toBeUndefined();
  for (const [other, ...args] of [[siteA], [siteB], [siteA, '--dry-run'], [siteA, '--profile', 'server']]) {
    const refused = await mount(other ?? '', ...args);
    expect(exitCodeOf(refused)).toBe(4);
    expect(refused).toMatchObject({ code: 'mount-of-another', hint: expect.stringContaining('--dir') });
    expect(String(refused)).toMatch(
      /shared-mount is the server's mount of .*, and this configuration means site_/,
    );
  }

  const elsewhere = await stage.configure('server', {
    box_configuration: {
      box_configuration_path: join(stage.folder, 'box.json'),
      shared_dir_name: BOX.folderName,
      save_path: 'another/run',
      group_name: BOX.groupName,
    },
  });
  const refused = await mount(elsewhere);
  expect(exitCodeOf(refused)).toBe(4);
  expect(String(refused)).toContain('another/run');
}, 60_000);

it('a client does not work on the mount of another participant', async () => {
  const siteA = await stage.configure('site_a', {});
  await stage.configure('server', {}).then((path) => stage.mount(path));
  const mountOfA = join(stage.folder, 'site_a', 'mount');
  expect(await refusalOf(mountCommand(), siteA, '--once', '--quiet')).toBeUndefined();
  const running = refusalOf(mountCommand(), siteA, '--quiet');
  const siteB = await stage.configure('site_b', {
    executor_options: { command: ['true'] },
    executor_type: 'mila.executors.Command',
    box_configuration: {
      box_configuration_path: join(stage.folder, 'box.json'),
      shared_dir_name: BOX.folderName,
      save_path: BOX.savePath,
      group_name: BOX.groupName,
      mount_path: mountOfA,
    },
  });
  await expect.poll(() => readdirSync(join(mountOfA, '.mila-sync')), { timeout: 20_000 }).toContain('lock');
  const refused = await refusalOf(clientCommand(), siteB, '--quiet');
  expect(refused).toMatchObject({ code: 'mount-of-another' });
  expect(exitCodeOf(refused)).toBe(4);
  process.emit('SIGTERM');
  await running;
  process.exitCode = undefined;
}, 60_000);

it.each([
  ['a directory that does not exist', 'typo', /typo: there is no such directory/],
  ['a file', 'task.json', /task\.json is a file and no directory/],
  ['a path below a file', 'task.json/deeper', /there is no such directory/],
])('server and client refuse %s as --dir, and make nothing', async (_what, name, words) => {
  const server = await stage.configure('server', {});
  const client = await stage.configure('site_a', {
    executor_type: 'mila.executors.Command',
    executor_options: { command: ['true'] },
  });
  const dir = join(stage.folder, name);
  for (const [command, path] of [
    [serverCommand(), server],
    [clientCommand(), client],
  ] as const) {
    const refused = await refusalOf(command, path, '--dir', dir, '--quiet');
    expect(exitCodeOf(refused)).toBe(4);
    expect(refused).toMatchObject({ code: 'no-such-directory', hint: expect.stringContaining('mkdir -p') });
    expect(String(refused)).toMatch(words);
  }
  expect(readdirSync(stage.folder)).not.toContain('typo');
});
