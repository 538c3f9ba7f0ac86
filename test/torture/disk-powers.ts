import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { randomBelow } from '../../src/random.ts';
import { ENGINE_STATE } from '../../src/sync/mount/mount.ts';
import type { Power, Stage } from './power.ts';
import type { Site } from './site.ts';

/** On a machine that is busy with other mounts. */
const TELLING_MAX_MS = 60_000;
const LOOK_MS = 200;

let count = 0;

/** An empty folder takes the place of the mirrored one for a while, as a script does that "repairs" a missing one. */
export function swaps(stage: Stage): Power {
  return {
    name: 'swaps',
    weight: 2,
    takes: 'disk',
    draw(site, random) {
      const forMs = randomBelow(random, stage.lastsMaxMs);
      // Nobody renames a mount point.
      if (site.disk?.path === site.root) return undefined;
      return { what: `another folder for ${forMs} ms`, run: () => swap(site, stage, forMs) };
    },
  };
}

/** The disk below the mirror goes away while it is in use, and comes back; a job may make the missing folder meanwhile. */
export function unmounts(stage: Stage): Power {
  return {
    name: 'unmounts',
    weight: 3,
    takes: 'disk',
    draw(site, random) {
      const forMs = randomBelow(random, stage.lastsMaxMs);
      const makes = random.next() < 0.6;
      if (site.disk === undefined) return undefined;
      const what = `unmounted for ${forMs} ms${makes ? ', and its folder made' : ''}`;
      return { what, run: () => unmount(site, stage, { forMs, makes }) };
    },
  };
}

async function swap(site: Site, stage: Stage, forMs: number): Promise<void> {
  count += 1;
  const before = site.disturbances;
  const away = join(site.directory, 'away');
  await rename(site.root, away);
  await mkdir(site.root);
  await pause(forMs);
  await expectToBeTold(site, stage, before);
  // What people wrote meanwhile is theirs to look for.
  await mkdir(site.aside, { recursive: true });
  await rename(site.root, join(site.aside, `swapped-${count}`));
  await rename(away, site.root);
  await mountAnew(site, before);
}

async function unmount(
  site: Site,
  stage: Stage,
  { forMs, makes }: { readonly forMs: number; readonly makes: boolean },
): Promise<void> {
  count += 1;
  const before = site.disturbances;
  await site.disk?.unmount();
  if (makes) {
    await mkdir(site.root, { recursive: true });
    await writeFile(join(site.root, `job_${count}.txt`), `a job writes for the ${count}th time`);
  }
  await pause(forMs);
  await expectToBeTold(site, stage, before);
  await site.disk?.mount();
  await mountAnew(site, before);
}

/** A mount that ran all the while says that its folder is not there. */
async function expectToBeTold(site: Site, stage: Stage, before: number): Promise<void> {
  const deadline = Date.now() + TELLING_MAX_MS;
  let state: string | undefined;
  while (site.isReady() && site.disturbances === before) {
    state = engineState(site);
    if (state === 'root-replaced' || state === 'root-missing') return;
    if (Date.now() > deadline) {
      stage.fault(`${site.name}: its folder is not there, and its mount says ${state}`);
      return;
    }
    await pause(LOOK_MS);
  }
}

function engineState(site: Site): string | undefined {
  const index = new Database(site.indexPath, { readonly: true });
  try {
    const row = index.prepare('SELECT value FROM meta WHERE key = ?').get(ENGINE_STATE);
    return (row as { value: string } | undefined)?.value;
  } finally {
    index.close();
  }
}

/** A mount that began while another folder stood there has taken that one: a person mounts the former one again. */
async function mountAnew(site: Site, before: number): Promise<void> {
  if (site.disturbances !== before || !site.isReady()) await site.restart();
}
