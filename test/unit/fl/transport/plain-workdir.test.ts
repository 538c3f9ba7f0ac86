import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TEMPORARY_SUFFIX } from '../../../../src/atomic-file.ts';
import { systemClock } from '../../../../src/clock.ts';
import { StateError } from '../../../../src/errors.ts';
import { openPlainWorkdir } from '../../../../src/fl/transport/plain-workdir.ts';
import type { Workdir } from '../../../../src/fl/transport/workdir.ts';
import { silentLogger } from '../../../../src/logger.ts';

let root: string;
let workdir: Workdir;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'mila-workdir-'));
  // So slow a poll that only the file system's own hints can make these tests pass.
  const options = { root, clock: systemClock(), logger: silentLogger, safetyPollMs: 3_600_000 };
  workdir = await openPlainWorkdir(options);
});
afterEach(() => rm(root, { recursive: true, force: true }));

const namesOf = async (path: string) => (await workdir.list(path)).map(({ name }) => name);

it("lists sorted, without half-written files, links and the engine's own folder", async () => {
  await writeFile(join(root, 'b.txt'), 'b');
  await writeFile(join(root, 'a.txt'), 'a');
  await writeFile(join(root, `.a.txt.1${TEMPORARY_SUFFIX}`), 'half');
  await mkdir(join(root, '.mila-sync'));
  await symlink('/etc/hostname', join(root, 'link'));
  expect(await namesOf('')).toEqual(['a.txt', 'b.txt']);
  expect(await namesOf('nowhere')).toEqual([]);
});

it('gives a file a new version whenever it is written, even with the same bytes', async () => {
  await workdir.write('run/a.txt', 'same');
  const before = (await workdir.list('run'))[0]?.version;
  await workdir.write('run/a.txt', 'same');
  expect((await workdir.list('run'))[0]?.version).not.toBe(before);
});

it('reads small files only up to the limit', async () => {
  await workdir.write('a.txt', '12345');
  expect((await workdir.read('a.txt', 5))?.toString()).toBe('12345');
  await expect(workdir.read('a.txt', 4)).rejects.toMatchObject({ code: 'too-large' });
  expect(await workdir.read('missing.txt', 4)).toBeUndefined();
});

it('leaves the old content and no temporary file when writing fails', async () => {
  await workdir.write('a.txt', 'old');
  const failing = workdir.writeStream('a.txt', async (handle) => {
    await handle.writeFile('half');
    throw new Error('disk full');
  });
  await expect(failing).rejects.toThrow('disk full');
  expect((await workdir.read('a.txt', 10))?.toString()).toBe('old');
  expect(await readdir(root)).toEqual(['a.txt']);
});

it('never leads out of the folder', () => {
  expect(() => workdir.absolutePath('../x')).toThrow(/leads out/);
  expect(() => workdir.absolutePath('a/../../x')).toThrow(/leads out/);
});

it('hints at changes in folders that appear after the watch began', async () => {
  let hints = 0;
  const watch = await workdir.watch(() => {
    hints += 1;
  });
  try {
    await workdir.makeFolder('2026-01-02_03-04-05/rounds/round_1');
    await expect.poll(() => hints).toBeGreaterThan(0);
    await expect
      .poll(async () => {
        const before = hints;
        await workdir.write('2026-01-02_03-04-05/rounds/round_1/a.pt', 'x');
        await new Promise((resolve) => setImmediate(resolve));
        return hints > before;
      })
      .toBe(true);
  } finally {
    await watch.close();
  }
});

describe('links and pipes that somebody laid into the folder', () => {
  let outside = '';
  beforeEach(async () => {
    outside = await mkdtemp(join(tmpdir(), 'mila-outside-'));
    await writeFile(join(outside, 'secret.txt'), 'secret');
    await mkdir(join(root, 'run'));
    await symlink(outside, join(root, 'run', 'rounds'));
    await symlink(join(outside, 'secret.txt'), join(root, 'run', 'a.txt'));
  });
  afterEach(() => rm(outside, { recursive: true, force: true }));

  it('are not read through', async () => {
    expect(await workdir.read('run/a.txt', 100)).toBeUndefined();
    expect(await workdir.read('run/rounds/secret.txt', 100)).toBeUndefined();
    expect(await namesOf('run/rounds')).toEqual([]);
  });

  it('are not written or removed through', async () => {
    await expect(workdir.write('run/rounds/b.txt', 'b')).rejects.toMatchObject({
      code: 'not-a-plain-folder',
    });
    await expect(workdir.write('run/rounds/1/b.txt', 'b')).rejects.toBeInstanceOf(StateError);
    await expect(workdir.makeFolder('run/rounds/1')).rejects.toBeInstanceOf(StateError);
    await workdir.remove('run/rounds/secret.txt');
    await workdir.write('run/a.txt', 'own');
    expect(await readdir(outside)).toEqual(['secret.txt']);
    expect(await readFile(join(outside, 'secret.txt'), 'utf8')).toBe('secret');
    expect((await workdir.read('run/a.txt', 10))?.toString()).toBe('own');
  });

  it.skipIf(process.platform === 'win32')('do not hold a reader up', async () => {
    execFileSync('mkfifo', [join(root, 'run', 'pipe')]);
    expect(await workdir.read('run/pipe', 100)).toBeUndefined();
  });
});
