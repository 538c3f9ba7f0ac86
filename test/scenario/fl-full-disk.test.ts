import { spawnSync } from 'node:child_process';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { numberExecutor, Playground, SETTINGS } from '../support/federation.ts';

const isRoot = process.getuid?.() === 0;
let ground: Playground;
let disk: string;

beforeEach(async () => {
  ground = await Playground.open();
  disk = join(ground.root, 'disk');
  await mkdir(disk);
});
afterEach(async () => {
  spawnSync('umount', [disk]);
  await ground.close();
});

/** Write until the disk has no room at all. */
async function fill(): Promise<void> {
  for (const bytes of [1 << 16, 1 << 12, 1])
    for (let index = 0; ; index += 1) {
      const path = join(disk, 'filling', `${bytes}.${index}`);
      try {
        await writeFile(path, Buffer.alloc(bytes, 1));
      } catch {
        break;
      }
      if (bytes === 1) break;
    }
}

const heard = (who: string, kind: string) =>
  ground.events.filter((event) => event.who === who && event.event === kind);

it.skipIf(!isRoot)('a disk that is full for a while ends no run (as root)', async () => {
  spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=512k', 'tmpfs', disk]);
  await mkdir(join(disk, 'filling'));
  const settings = { ...SETTINGS, minimumClients: 1, clientWaitTimeMs: 0, roundsCount: 2 };
  const executor = numberExecutor(1, async ({ round }) => {
    if (round === 1) await fill();
  });
  const run = Promise.all([
    ground.server({ settings, savePath: join(disk, 'server') }),
    ground.client('a', { executor }),
  ]);
  run.catch(() => {});
  await expect.poll(() => heard('server', 'trouble').length, { timeout: 20_000 }).toBeGreaterThan(2);
  await rm(join(disk, 'filling'), { recursive: true });
  const [outcome] = await run;
  expect(outcome.ending?.kind).toBe('finished');
});
