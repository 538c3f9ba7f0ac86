import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { acquireLock, lockOwner } from '../../../../src/sync/mount/lock.ts';

let folder: string;
let path: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mila-lock-'));
  path = join(folder, '.mila-sync', 'lock');
});

afterEach(() => rm(folder, { recursive: true, force: true }));

it('has one owner at a time, and leaves nothing behind', async () => {
  const lock = await acquireLock(path);
  await expect(acquireLock(path)).rejects.toMatchObject({ code: 'already-mounted' });
  expect((await lockOwner(path))?.pid).toBe(process.pid);
  await lock.release();
  await lock.release();
  expect(await readdir(join(folder, '.mila-sync'))).toEqual([]);
});

it('takes over from a process that died, even when its number was given again', async () => {
  await (await acquireLock(path)).release();
  const child = spawn(process.execPath, ['-e', '']);
  const dead = child.pid ?? 0;
  await new Promise((resolve) => child.on('exit', resolve));
  await writeFile(path, JSON.stringify({ pid: dead, startedAt: '1', host: hostname() }));
  expect(await lockOwner(path)).toBeUndefined();
  await (await acquireLock(path)).release();
  // This very process, but begun at another time: some other process of the same number.
  await writeFile(path, JSON.stringify({ pid: process.pid, startedAt: 'another time', host: hostname() }));
  const lock = await acquireLock(path);
  expect(JSON.parse(await readFile(path, 'utf8'))).toMatchObject({ pid: process.pid });
  await lock.release();
});

it('believes a lock of another machine, whose processes it cannot see', async () => {
  await (await acquireLock(path)).release();
  await writeFile(path, JSON.stringify({ pid: 1, startedAt: '1', host: 'elsewhere' }));
  await expect(acquireLock(path)).rejects.toMatchObject({ code: 'already-mounted' });
});

it('gives a dead owner’s lock to exactly one of many who want it at once', async () => {
  await (await acquireLock(path)).release();
  for (let time = 0; time < 20; time += 1) {
    await writeFile(path, JSON.stringify({ pid: process.pid, startedAt: 'another time', host: hostname() }));
    const wanted = await Promise.allSettled(Array.from({ length: 10 }, () => acquireLock(path)));
    const won = wanted.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
    expect(won).toHaveLength(1);
    await won[0]?.release();
  }
});

it('gives the lock to exactly one of many who want it at once', async () => {
  const wanted = await Promise.allSettled(Array.from({ length: 20 }, () => acquireLock(path)));
  expect(wanted.filter((each) => each.status === 'fulfilled')).toHaveLength(1);
});
