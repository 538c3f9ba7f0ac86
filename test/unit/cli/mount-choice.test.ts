import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { registryFolder } from '../../../src/cli/mount-choice.ts';
import { rememberMount } from '../../../src/cli/remembered-mount.ts';

const unknownUser = () => {
  throw new Error('uv_os_homedir returned ENOENT');
};

it('remembers mounts nowhere for a user without a home, and never below the present directory', () => {
  expect(registryFolder({}, unknownUser)).toBeUndefined();
  expect(registryFolder({}, () => '')).toBeUndefined();
  expect(registryFolder({ XDG_STATE_HOME: '' }, () => '/home/ada')).toBe(
    '/home/ada/.local/state/mila-sync/mounts',
  );
  expect(registryFolder({ XDG_STATE_HOME: 'relative' }, unknownUser)).toBeUndefined();
  expect(registryFolder({ XDG_STATE_HOME: '/state' }, unknownUser)).toBe('/state/mila-sync/mounts');
});

it('a mount that cannot be remembered says so once, and is no failure', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'mila-registry-'));
  const layout = { directory: '/data/mount', rootPath: ['shared'] };
  const told: string[] = [];
  const tell = (key: string, text: string | undefined) => told.push(`${key}: ${text}`);
  try {
    await writeFile(join(folder, 'file'), '');
    for (const impossible of [undefined, join(folder, 'file', 'mounts')])
      await rememberMount(layout, { folder: impossible, tell }).forget();
    expect(told).toHaveLength(2);
    for (const text of told) expect(text).toMatch(/^registry: .*\/data\/mount/);
    const remembered = rememberMount(layout, { folder: join(folder, 'mounts'), tell });
    await remembered.forget();
    expect(await readdir(join(folder, 'mounts'))).toEqual([]);
    expect(told).toHaveLength(2);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
