import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { appendFile, rename, rm, statfs, writeFile } from 'node:fs/promises';
import { platform, tmpdir } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { EmulatedMirrors } from '../support/emulated-mirrors.ts';
import { eventually } from '../support/eventually.ts';
import type { Mirror } from '../support/mirror.ts';
import { quickClock } from '../support/quick-clock.ts';

const isLinux = platform() === 'linux';
const hasPython = spawnSync('python3', ['-c', 'import mmap']).status === 0;
/** A file system in memory lets every store through after the first one: nobody can tell of them. */
const TMPFS = 0x01021994;
const tellsOfMaps = isLinux && hasPython && (await statfs(tmpdir())).type !== TMPFS;

/** How programs write, over the adapter and the emulated Box. */
describe('a mirror that programs write into', () => {
  let world: EmulatedMirrors;
  let ada: Mirror;
  let child: ChildProcess | undefined;

  beforeAll(async () => {
    world = await EmulatedMirrors.open();
  });
  afterAll(() => world.close());
  beforeEach(async () => {
    await world.begin();
    ada = await world.mirror('ada');
  });
  afterEach(async () => {
    child?.kill('SIGKILL');
    await world.end();
  });

  it('on a disk whose clock lags sends no half checkpoint', async () => {
    const real = systemClock();
    await ada.start({ clock: { ...real, now: () => real.now() + 10_000 } });
    const piece = Buffer.alloc(300_000, 1);
    for (let at = 0; at < 12; at += 1) {
      await appendFile(ada.path('model.bin'), piece);
      await pause(120);
    }
    await eventually(async () => expect(await world.sizesSent('model.bin')).toEqual([12 * 300_000]));
  });

  it('sends a file that grows all the time ever more rarely, and its last state in the end', async () => {
    const clock = quickClock(20);
    await ada.start({ clock });
    let text = '';
    for (let line = 0; line < 150; line += 1) {
      text += `line ${line}\n`;
      await appendFile(ada.path('run.log'), `line ${line}\n`);
      await pause(15);
    }
    await eventually(async () => expect((await world.sizesSent('run.log')).at(-1)).toBe(text.length));
    expect((await world.sizesSent('run.log')).length).toBeLessThan(15);
  });

  it('keeps a file’s id when a program saves it by two renames', async () => {
    await ada.start();
    await writeFile(ada.path('letter.docx'), 'first');
    await eventually(async () => expect(await world.sizesSent('letter.docx')).toEqual([5]));
    const id = await world.idOf('letter.docx');
    await writeFile(ada.path('~WRD0001.tmp'), 'second one');
    await eventually(async () => expect(await world.names()).toContain('~WRD0001.tmp'));
    await rename(ada.path('letter.docx'), ada.path('~WRL0002.tmp'));
    await rename(ada.path('~WRD0001.tmp'), ada.path('letter.docx'));
    await rm(ada.path('~WRL0002.tmp'));
    await eventually(async () => expect((await world.sizesSent('letter.docx')).at(-1)).toBe(10));
    await eventually(async () => expect(await world.names()).toEqual(['letter.docx']));
    expect(await world.idOf('letter.docx')).toBe(id);
  });

  it.runIf(tellsOfMaps)(
    'sees the last store through a memory map, though no time tells of it (with Python, not in memory)',
    async () => {
      // A file that is mapped stays open: it is waited for.
      await ada.start({ clock: quickClock(20) });
      const path = ada.path('array.npy');
      await writeFile(path, Buffer.alloc(64, 'a'));
      await eventually(async () => expect(await world.sizesSent('array.npy')).toEqual([64]));
      const script = `import mmap, sys
with open(${JSON.stringify(path)}, 'r+b') as file:
    pages = mmap.mmap(file.fileno(), 64)
    for line in sys.stdin:
        pages[0:64] = line[0].encode() * 64
        print('stored', flush=True)`;
      child = spawn('python3', ['-c', script], { stdio: ['pipe', 'pipe', 'inherit'] });
      for (const letter of ['b', 'c']) {
        child.stdin?.write(`${letter}\n`);
        if (child.stdout !== null) await once(child.stdout, 'data');
        const sha1 = createHash('sha1').update(letter.repeat(64)).digest('hex');
        // No watch tells of such a store: it is found by looking.
        await eventually(async () => expect(await world.sha1Of('array.npy')).toBe(sha1), 40_000);
      }
    },
    90_000,
  );
});
