import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { chmod, mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { platform } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { RemoteFolder } from '../../src/sync/tree/entry.ts';
import { sourceOf } from '../contract/remote-store/source.ts';
import { EmulatedMirrors } from '../support/emulated-mirrors.ts';
import { eventually } from '../support/eventually.ts';
import type { Mirror } from '../support/mirror.ts';

const isRoot = process.getuid?.() === 0;
const isLinux = platform() === 'linux';

describe('a mirror on a real disk', () => {
  let world: EmulatedMirrors;
  let folder: RemoteFolder;
  let ada: Mirror;
  let ben: Mirror;
  let child: ChildProcess | undefined;

  beforeAll(async () => {
    world = await EmulatedMirrors.open();
  });
  afterAll(() => world.close());
  beforeEach(async () => {
    folder = await world.begin();
    ada = await world.mirror('ada');
    ben = await world.mirror('ben');
  });
  afterEach(async () => {
    child?.kill('SIGKILL');
    await world.end();
  });

  const inBox = () => world.names();
  const state = () => ada.engine.status().state;
  const FILES = ['a.txt', 'b.txt', 'c.txt'];

  async function settled(): Promise<void> {
    await world.put(...FILES);
    await ada.start();
    await ben.start();
    expect(Object.keys(await ada.snapshot())).toEqual(FILES);
  }

  it('that is renamed away, and replaced by an empty folder, deletes nothing anywhere', async () => {
    await settled();
    await rename(ada.path(), `${ada.path()}-away`);
    await mkdir(ada.path());
    await eventually(() => expect(state()).toBe('root-replaced'));
    await writeFile(ada.path('job.txt'), 'a job goes on writing');
    // Whatever it would do, it would do after this.
    ada.engine.syncNow();
    await world.put('d.txt');
    await eventually(async () => expect(Object.keys(await ben.snapshot())).toEqual([...FILES, 'd.txt']));
    expect(await inBox()).toEqual([...FILES, 'd.txt']);
    await rm(ada.path(), { recursive: true });
    await rename(`${ada.path()}-away`, ada.path());
    await eventually(async () => expect(Object.keys(await ada.snapshot())).toEqual([...FILES, 'd.txt']));
    await eventually(() => expect(state()).toBe('in-sync'));
  });

  it('that is removed with the engine’s own folder, and made anew by a job, deletes nothing anywhere', async () => {
    await settled();
    await rm(ada.directory, { recursive: true });
    await mkdir(ada.path(), { recursive: true });
    await writeFile(ada.path('job.txt'), 'a job goes on writing');
    await eventually(() => expect(state()).toBe('root-replaced'));
    expect(await inBox()).toEqual(FILES);
    expect(Object.keys(await ben.snapshot())).toEqual(FILES);
  });

  it.runIf(isLinux && isRoot)(
    'whose disk is unmounted deletes nothing anywhere (as root, on Linux)',
    async () => {
      execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', ada.directory]);
      try {
        await mkdir(ada.path());
        await mkdir(join(ada.directory, '.mila-sync'));
        await settled();
      } finally {
        execFileSync('umount', ['-l', ada.directory]);
      }
      await eventually(() => expect(state()).toBe('root-replaced'));
      expect(await inBox()).toEqual(FILES);
      expect(Object.keys(await ben.snapshot())).toEqual(FILES);
    },
  );

  it.runIf(isLinux && isRoot)(
    'that is a mount point of its own is mirrored both ways, with conflicts (as root, on Linux)',
    async () => {
      await world.put(...FILES);
      await mkdir(ada.path(), { recursive: true });
      execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', ada.path()]);
      try {
        await ada.start();
        await ben.start();
        await eventually(async () => expect(Object.keys(await ada.snapshot())).toEqual(FILES));
        await writeFile(ben.path('a.txt'), 'from ben');
        await eventually(async () => expect((await ada.snapshot())['a.txt']).toBe('from ben'));
        await writeFile(ada.path('a.txt'), 'from ada');
        await eventually(async () => expect((await ben.snapshot())['a.txt']).toBe('from ada'));
        await ada.stop();
        await writeFile(ada.path('b.txt'), 'of ada');
        await writeFile(ben.path('b.txt'), 'of ben');
        const sha1 = createHash('sha1').update('of ben').digest('hex');
        await eventually(async () => expect(await world.sha1Of('b.txt')).toBe(sha1));
        await ada.start();
        await eventually(async () => expect((await ada.snapshot())['b.txt']).toBe('of ben'));
        const [kept] = await readdir(join(ada.directory, '.mila-sync', 'conflicts'));
        expect(kept).toMatch(/^b\.txt\./u);
        expect(ada.engine.status().problems).toEqual([]);
      } finally {
        await ada.stop();
        execFileSync('umount', ['-l', ada.path()]);
      }
    },
  );

  it.runIf(isLinux)(
    'shows no half checkpoint of a writer that pauses with its file open (on Linux)',
    async () => {
      await settled();
      const path = ada.path('model.pt');
      const script = `const fs = require('fs'); const file = fs.openSync(${JSON.stringify(path)}, 'w'); console.log('open');
      process.stdin.once('data', () => { fs.writeSync(file, 'first half, '); console.log('half');
      process.stdin.once('data', () => { fs.writeSync(file, 'second half'); process.exit(); }); });`;
      child = spawn(process.execPath, ['-e', script], { stdio: ['pipe', 'pipe', 'inherit'] });
      if (child.stdout === null || child.stdin === null) throw new Error('the writer has pipes');
      await once(child.stdout, 'data');
      child.stdin.write('go on\n');
      await once(child.stdout, 'data');
      await eventually(() =>
        expect(ada.engine.status().notices.join()).toMatch(/model\.pt is open for writing by/),
      );
      await writeFile(ada.path('beat.txt'), 'nothing else waits for it');
      await eventually(async () => expect(await inBox()).toContain('beat.txt'));
      expect(await inBox()).not.toContain('model.pt');
      child.stdin.write('end\n');
      await eventually(async () =>
        expect((await ben.snapshot())['model.pt']).toBe('first half, second half'),
      );
      const whole = 'first half, second half';
      expect(await world.sizesSent('model.pt')).toEqual([whole.length]);
    },
  );

  it('keeps a file’s mode when Box has a new version of it', async () => {
    await settled();
    await chmod(ada.path('a.txt'), 0o600);
    await chmod(ada.path('b.txt'), 0o755);
    for (const item of (await world.web.list(folder.id)) ?? [])
      if (item.kind === 'file' && item.name !== 'c.txt')
        await world.web.uploadVersion({ ...item, source: sourceOf(`${item.name} anew`) });
    await eventually(async () => expect((await ada.snapshot())['b.txt']).toBe('b.txt anew'));
    await eventually(async () => expect((await ada.snapshot())['a.txt']).toBe('a.txt anew'));
    expect((await stat(ada.path('a.txt'))).mode & 0o777).toBe(0o600);
    expect((await stat(ada.path('b.txt'))).mode & 0o777).toBe(0o755);
  });

  it.runIf(isLinux)('tells a name that is no UTF-8, and no more once it is gone (on Linux)', async () => {
    await settled();
    const path = Buffer.concat([Buffer.from(`${ada.path()}/caf`), Buffer.from([0xe9]), Buffer.from('.txt')]);
    await writeFile(path, 'nobody can name this');
    await eventually(() => expect(ada.engine.status().problems).toMatchObject([{ reason: 'name-not-utf8' }]));
    await rm(path);
    await eventually(() => expect(ada.engine.status().problems).toEqual([]));
  });
});
