import { mkdir, writeFile } from 'node:fs/promises';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openMountWorkdir } from '../../src/cli/mount-workdir.ts';
import { systemClock } from '../../src/clock.ts';
import type { WorkdirEntry } from '../../src/fl/transport/workdir.ts';
import { silentLogger } from '../../src/logger.ts';
import { MemoryStore } from '../../src/sync/remote/memory-store.ts';
import { MEMORY_ROOT, MemoryWorld } from '../../src/sync/remote/memory-world.ts';
import { eventually } from '../support/eventually.ts';
import { Mirror } from '../support/mirror.ts';

let client: Mirror;
let server: Mirror;

beforeEach(async () => {
  const world = new MemoryWorld(() => Date.now());
  const storeFor = (id: string) =>
    new MemoryStore({ clock: systemClock(), user: { id, name: `user ${id}` }, world });
  const first = storeFor('11');
  const folder = await first.createFolder(MEMORY_ROOT, 'shared');
  client = await Mirror.create(first, folder);
  server = await Mirror.create(storeFor('22'), folder);
  await client.start();
  await server.start();
});

afterEach(async () => {
  await client.destroy();
  await server.destroy();
});

it('never shows a file of somebody else as present before it tells whose it is', async () => {
  const opened = await openMountWorkdir({
    layout: server.root.layout,
    clock: systemClock(),
    logger: silentLogger,
  });
  const early: WorkdirEntry[] = [];
  let looking = true;
  const looks = (async () => {
    while (looking) {
      const entries = await opened.workdir.list('claims');
      early.push(...entries.filter((entry) => entry.present && entry.createdBy?.id !== '11'));
      // A folder that is not there is listed without waiting for anything: the mounts need their turn, too.
      await turn();
    }
  })();
  await mkdir(client.path('claims'));
  for (let index = 0; index < 40; index += 1) await writeFile(client.path('claims', `${index}.txt`), '');
  await eventually(async () => {
    const entries = await opened.workdir.list('claims');
    expect(entries.filter((entry) => entry.present)).toHaveLength(40);
  });
  looking = false;
  await looks;
  await opened.close();
  expect(early).toEqual([]);
});

it.each([
  [{ startWith: "mila-sync mount 'site a.json'" }, " does not run: type mila-sync mount 'site a.json'"],
  [{}, ' does not run'],
])('says of a mount that is gone what to type, where somebody has to (%j)', async (advice, words) => {
  const { layout } = server.root;
  // No process holds its lock.
  const opened = await openMountWorkdir({ layout, clock: systemClock(), logger: silentLogger, ...advice });
  expect(opened.workdir.trouble?.()).toBe(`the mount at ${layout.directory}${words}`);
  expect(opened.workdir.connected()).toBe(false);
  await opened.close();
});
