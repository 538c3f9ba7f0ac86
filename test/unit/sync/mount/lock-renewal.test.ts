import {
  mkdir,
  mkdtemp,
  open,
  readFile,
  rename,
  rm,
  stat,
  unlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { StateError } from '../../../../src/errors.ts';
import { acquireLock, type Lock } from '../../../../src/sync/mount/lock.ts';
import type { LockOwner } from '../../../../src/sync/mount/lock-owner.ts';
import { LockRenewal } from '../../../../src/sync/mount/lock-renewal.ts';
import { eventually } from '../../../support/eventually.ts';
import { FakeClock } from '../box/fake-clock.ts';

const OTHER = { pid: 8, startedAt: '1', host: 'other', scope: 'elsewhere' };

let folder: string;
let path: string;
let clock: FakeClock;
let lost: StateError[];
let lock: Lock;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mila-renewal-'));
  path = join(folder, 'mount', '.mila-sync', 'lock');
  clock = new FakeClock();
  lost = [];
  lock = await acquireLock(path, { clock, onLost: (error) => lost.push(error) });
});

afterEach(async () => {
  await lock.release();
  await rm(folder, { recursive: true, force: true });
});

it('is renewed every ten seconds, without a change to what it says', async () => {
  const record = await readFile(path, 'utf8');
  for (let time = 0; time < 3; time += 1) {
    await utimes(path, new Date(0), new Date(0));
    await eventually(async () => {
      await clock.advance(10_000);
      expect((await stat(path)).mtimeMs).toBeGreaterThan(Date.now() - 60_000);
    });
  }
  expect(await readFile(path, 'utf8')).toBe(record);
  expect(lost).toEqual([]);
});

it('is lost when the folder that it stands in was removed, which is found at the next renewal', async () => {
  await rm(join(folder, 'mount'), { recursive: true });
  await eventually(async () => {
    await clock.advance(10_000);
    expect(lost).toMatchObject([{ code: 'lock-lost', message: expect.stringContaining('was removed') }]);
  });
  expect(await lock.loss()).toBe(lost[0]);
});

it('is lost to who took it over meanwhile, and that one’s lock is left alone', async () => {
  await unlink(path);
  await writeFile(path, JSON.stringify(OTHER));
  expect(await lock.loss()).toMatchObject({
    code: 'lock-lost',
    message: expect.stringContaining('process 8 on other took over the lock'),
    hint: expect.stringContaining(`rm ${path}`),
  });
  await lock.release();
  expect(JSON.parse(await readFile(path, 'utf8'))).toEqual(OTHER);
});

it('is not lost while its disk is away: the path shows nothing, and the file still has its name', async () => {
  await rename(join(folder, 'mount'), join(folder, 'away'));
  await clock.advance(10_000);
  expect(await lock.loss()).toBeUndefined();
  await mkdir(join(folder, 'mount', '.mila-sync'), { recursive: true });
  expect(await lock.loss()).toBeUndefined();
  expect(lost).toEqual([]);
});

it('tells once that it cannot be renewed and once that it can again, and is held all the while', async () => {
  const handle = await open(path, 'r+');
  let isFull = true;
  const onFullDisk = new Proxy(handle, {
    get(target, name) {
      if (name === 'write' && isFull)
        return () => Promise.reject(Object.assign(new Error('no space left'), { code: 'ENOSPC' }));
      const value = Reflect.get(target, name) as unknown;
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  const heard: string[] = [];
  const mine = JSON.parse(await readFile(path, 'utf8')) as LockOwner;
  const renewal = new LockRenewal({
    path,
    handle: onFullDisk,
    mine,
    clock,
    onTrouble: (error) => heard.push(error === undefined ? 'over' : 'failing'),
  });
  await eventually(async () => {
    await clock.advance(10_000);
    expect(heard).toEqual(['failing']);
  });
  await clock.advance(10_000);
  expect(await renewal.loss()).toBeUndefined();
  isFull = false;
  await eventually(async () => {
    await clock.advance(10_000);
    expect(heard).toEqual(['failing', 'over']);
  });
  await renewal.stop();
  await handle.close();
});

it('that somebody removed is no loss where only another owner counts', async () => {
  const own = join(folder, 'run', 'site.lock');
  const run = await acquireLock(own, { clock, subject: 'site_a', endsWhenRemoved: false });
  await unlink(own);
  expect(await run.loss()).toBeUndefined();
  await writeFile(own, JSON.stringify(OTHER));
  expect(await run.loss()).toMatchObject({ message: expect.stringContaining('the lock of site_a') });
  await run.release();
});
