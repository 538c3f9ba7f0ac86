import { chmod, mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openControlSocket } from '../../../../src/sync/mount/control-socket.ts';
import { openPrivateFolder } from '../../../../src/sync/mount/private-folder.ts';

let directory = '';
const umask = process.umask();
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'private-'));
});
afterEach(async () => {
  process.umask(umask);
  await rm(directory, { recursive: true, force: true });
});

const modeOf = async (...names: string[]) =>
  ((await stat(join(directory, ...names))).mode & 0o777).toString(8);

it.each([0o000, 0o022, 0o077])('makes a folder for this user alone under umask %o', async (mask) => {
  process.umask(mask);
  await openPrivateFolder(join(directory, '.mila-sync'));
  expect(await modeOf('.mila-sync')).toBe('700');
});

it('mends the modes of a folder and of files that stand there already', async () => {
  const folder = join(directory, '.mila-sync');
  await mkdir(join(folder, 'staging'), { recursive: true });
  await writeFile(join(folder, 'index.sqlite'), '');
  await writeFile(join(folder, 'staging', 'x.part'), '');
  await chmod(folder, 0o777);
  await chmod(join(folder, 'index.sqlite'), 0o666);
  await chmod(join(folder, 'staging', 'x.part'), 0o640);
  await openPrivateFolder(folder);
  expect(await modeOf('.mila-sync')).toBe('700');
  expect(await modeOf('.mila-sync', 'index.sqlite')).toBe('600');
  // What becomes a file of the mirror keeps the mode that it is to have there.
  expect(await modeOf('.mila-sync', 'staging', 'x.part')).toBe('640');
});

it('makes the control socket for this user alone from the first moment, and leaves the umask as it was', async () => {
  process.umask(0);
  const path = join(directory, 'control.sock');
  const opening = openControlSocket(
    path,
    async () => null,
    () => {},
  );
  const modes = new Set<string>();
  for (let turn = 0; turn < 50; turn += 1) {
    await Promise.resolve();
    await modeOf('control.sock').then(
      (mode) => modes.add(mode),
      () => undefined,
    );
  }
  const socket = await opening;
  expect([...modes]).toEqual(['600']);
  expect(process.umask()).toBe(0);
  await socket.close();
});
