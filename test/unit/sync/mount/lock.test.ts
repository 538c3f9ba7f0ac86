import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { acquireLock } from '../../../../src/sync/mount/lock.ts';
import { lockOwner } from '../../../../src/sync/mount/lock-owner.ts';
import { eventually } from '../../../support/eventually.ts';
import { FakeClock } from '../box/fake-clock.ts';

let folder: string;
let path: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mila-lock-'));
  path = join(folder, '.mila-sync', 'lock');
});

afterEach(() => rm(folder, { recursive: true, force: true }));

/** Have the disk say that the lock was renewed so long ago. Units: milliseconds. */
async function age(byMs: number): Promise<void> {
  const time = new Date(Date.now() - byMs);
  await utimes(path, time, time);
}

/** A lock of a process that cannot be looked at from here, just renewed. */
async function foreignLock(more: Record<string, unknown> = {}): Promise<void> {
  await (await acquireLock(path)).release();
  await writeFile(path, JSON.stringify({ pid: 7, startedAt: '1', host: '0a1b2c3d4e5f', ...more }));
}

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

it('names the lock file in its hint, and what to type by who is sure that nothing runs', async () => {
  const lock = await acquireLock(path);
  const refusal = await acquireLock(path).catch((error: unknown) => error);
  expect(refusal).toMatchObject({ hint: expect.stringContaining(`rm ${path}`) });
  await lock.release();
});

it('says what is wrong with a place where no lock can stand', async () => {
  await writeFile(join(folder, 'file'), '');
  await expect(acquireLock(join(folder, 'file', '.mila-sync', 'lock'))).rejects.toMatchObject({
    code: 'lock-refused',
    hint: expect.any(String),
  });
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
  const won = wanted.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
  expect(won).toHaveLength(1);
  await won[0]?.release();
});

describe('a lock of another machine or container', () => {
  it('counts as held while it is fresh, at once and without a wait', async () => {
    await foreignLock();
    expect(await lockOwner(path)).toMatchObject({ host: '0a1b2c3d4e5f' });
    await age(36_000);
    expect(await lockOwner(path)).toBeUndefined();
    expect(await readdir(join(folder, '.mila-sync'))).toEqual(['lock']);
  });

  it('is told by its name space of process ids, even under the same host name', async () => {
    await foreignLock({ host: hostname(), pid: process.pid, scope: 'another boot pid:[1]' });
    expect(await lockOwner(path)).toMatchObject({ scope: 'another boot pid:[1]' });
  });

  it('is believed without a file for the disk’s time where nothing may be written', async () => {
    await foreignLock();
    await age(36_000);
    expect(await lockOwner(path, { mayWrite: false })).toBeDefined();
  });

  it('is taken over at once when it is not fresh', async () => {
    await foreignLock();
    await age(36_000);
    const lock = await acquireLock(path, { clock: new FakeClock() });
    expect(await lockOwner(path)).toMatchObject({ pid: process.pid });
    await lock.release();
  });

  it('is waited for, and taken over when nobody renews it', async () => {
    await foreignLock();
    const clock = new FakeClock();
    const waited: string[] = [];
    const taking = acquireLock(path, { clock, onWaiting: ({ pid, host }) => waited.push(`${pid} ${host}`) });
    const lock = await advancing(clock, taking);
    expect(await lockOwner(path)).toMatchObject({ pid: process.pid });
    expect(waited).toEqual(['7 0a1b2c3d4e5f']);
    await lock.release();
  });

  it('is taken over after as long a wait by one’s own clock, where the disk’s clock was set back', async () => {
    await foreignLock();
    await age(-3_600_000);
    const clock = new FakeClock();
    const lock = await advancing(clock, acquireLock(path, { clock }));
    expect(await lockOwner(path)).toMatchObject({ pid: process.pid });
    await lock.release();
  });

  it('is left to its owner when that renews it', async () => {
    await foreignLock();
    const clock = new FakeClock();
    let isWaiting = false;
    const onWaiting = () => {
      isWaiting = true;
    };
    const taking = acquireLock(path, { clock, onWaiting });
    taking.catch(() => {});
    await eventually(() => expect(isWaiting).toBe(true));
    await age(-1_000);
    await expect(advancing(clock, taking)).rejects.toMatchObject({
      code: 'already-mounted',
      hint: expect.stringContaining(`rm ${path}`),
    });
    expect(JSON.parse(await readFile(path, 'utf8'))).toMatchObject({ host: '0a1b2c3d4e5f' });
  });

  it('is waited for no longer than until a signal, and left as it is', async () => {
    await foreignLock();
    const stop = new AbortController();
    const taking = acquireLock(path, {
      clock: new FakeClock(),
      signal: stop.signal,
      onWaiting: () => stop.abort(),
    });
    await expect(taking).rejects.toMatchObject({ code: 'lock-wait-aborted' });
    expect(await readdir(join(folder, '.mila-sync'))).toEqual(['lock']);
  });

  it('that is not fresh goes to exactly one of many containers that want it at once', async () => {
    await foreignLock();
    await age(36_000);
    const won: string[] = [];
    const waiting: string[] = [];
    for (let n = 0; n < 10; n += 1) {
      const here = { host: `host${n}`, scope: `boot pid:[${n}]` };
      const onWaiting = () => waiting.push(here.host);
      acquireLock(path, { here, clock: new FakeClock(), onWaiting }).then(
        () => won.push(here.host),
        () => waiting.push(here.host),
      );
    }
    await eventually(() => expect(won.length + waiting.length).toBe(10));
    expect(won).toHaveLength(1);
    expect(JSON.parse(await readFile(path, 'utf8'))).toMatchObject({ host: won[0] });
  });
});

/** Let time pass until a promise is settled. */
async function advancing<Result>(clock: FakeClock, promise: Promise<Result>): Promise<Result> {
  let isSettled = false;
  const settle = () => {
    isSettled = true;
  };
  promise.then(settle, settle);
  await eventually(async () => {
    await clock.advance(1_000);
    expect(isSettled).toBe(true);
  });
  return promise;
}
