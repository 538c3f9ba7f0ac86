import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Clock, systemClock } from '../../../../src/clock.ts';
import { silentLogger } from '../../../../src/logger.ts';
import { startWatcher, type Watcher } from '../../../../src/sync/local/watcher.ts';
import { eventually } from '../../../support/eventually.ts';

let folder = '';
let watcher: Watcher | undefined;
let hints = new Set<string>();
let hidden: string | undefined;
let timersFired = 0;

/** The system's clock, counting what it sets off. */
const countingClock = (): Clock => {
  const clock = systemClock();
  const counted = (callback: () => void) => () => {
    timersFired += 1;
    callback();
  };
  return { ...clock, after: (delayMs, callback) => clock.after(delayMs, counted(callback)) };
};

async function watch(onFailure: (error: unknown) => void = rethrow): Promise<void> {
  watcher = await startWatcher({
    path: folder,
    ignored: (path) => path.endsWith('.mila-tmp') || path === hidden,
    onHint: (path) => void hints.add(path),
    onFailure,
    clock: countingClock(),
    logger: silentLogger,
  });
}

function rethrow(error: unknown): never {
  throw error;
}

beforeEach(async () => {
  folder = join(await mkdtemp(join(tmpdir(), 'watcher-')), 'root');
  await mkdir(folder);
  hints = new Set();
  hidden = undefined;
  timersFired = 0;
  await watch();
});

afterEach(async () => {
  await watcher?.close();
  await rm(dirname(folder), { recursive: true, force: true });
});

it('hears of files in folders that were made inside each other at once', async () => {
  // One in twenty of such pairs escapes chokidar alone.
  const rounds = Array.from({ length: 60 }, (_, index) => join(folder, `run_${index}`, 'round_1'));
  for (const round of rounds) {
    await mkdir(join(round, '..'));
    await mkdir(round);
  }
  const hinted = () => rounds.filter((round) => !hints.has(round));
  await eventually(() => expect(hinted()).toEqual([]));
  // Every folder was hinted at when it was found; now each must also be watched.
  await Promise.all(rounds.map((round) => writeFile(join(round, 'tester1.pt'), 'x')));
  const unheard = () => rounds.filter((round) => !hints.has(join(round, 'tester1.pt')));
  await eventually(() => expect(unheard()).toEqual([]));
});

it('hears of what stands in a folder that escaped it at first', async () => {
  // As if chokidar had lost the folder's event: it does not know it when a sibling makes the parent be listed again.
  hidden = join(folder, 'run');
  await mkdir(join(hidden, 'rounds', 'round_1'), { recursive: true });
  await writeFile(join(hidden, 'rounds', 'round_1', 'tester1.pt'), 'x');
  await mkdir(join(folder, 'sibling'));
  await eventually(() => expect([...hints]).toContain(join(folder, 'sibling')));
  hints.clear();
  const inside = join(hidden, 'rounds', 'round_1', 'tester1.pt');
  hidden = undefined;
  await writeFile(join(folder, 'b.txt'), 'x');
  await eventually(() => expect([...hints]).toContain(inside));
});

it('hears of a folder that took the name of another, and of the one that was moved away', async () => {
  await mkdir(join(folder, 'run'));
  await writeFile(join(folder, 'run', 'first.txt'), 'x');
  await eventually(() => expect([...hints]).toContain(join(folder, 'run', 'first.txt')));
  await rename(join(folder, 'run'), join(folder, 'former'));
  await mkdir(join(folder, 'run'));
  // Both are watched once what is written into them is told of under their names of now.
  for (const name of ['run', 'former'])
    await eventually(async () => {
      await writeFile(join(folder, name, 'later.txt'), String(Math.random()));
      expect([...hints]).toContain(join(folder, name, 'later.txt'));
    });
});

it('hears of a folder that went and came back', async () => {
  for (const turn of ['one', 'two', 'three']) {
    const path = join(folder, 'run', 'rounds', `${turn}.pt`);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, 'x');
    await eventually(() => expect([...hints]).toContain(path));
    await rm(join(folder, 'run'), { recursive: true });
  }
});

it('hears of changes deep in a tree that was there before it', async () => {
  const paths = Array.from({ length: 30 }, (_, index) => join(folder, `run_${index}`, 'rounds', 'round_1'));
  for (const path of paths) await mkdir(path, { recursive: true });
  await watcher?.close();
  hints.clear();
  await watch();
  await Promise.all(paths.map((path) => writeFile(join(path, 'a.pt'), 'x')));
  await eventually(() => expect(paths.filter((path) => !hints.has(join(path, 'a.pt')))).toEqual([]));
  expect([...hints].every((path) => path.endsWith('a.pt'))).toBe(true);
});

it('tells of a root that is not there, and closes', async () => {
  await watcher?.close();
  await rm(folder, { recursive: true });
  const failures: unknown[] = [];
  await watch((error) => failures.push(error));
  expect(failures).toHaveLength(1);
});

it('never looks outside its folder', async () => {
  await mkdir(join(folder, '..', 'neighbour', 'inner'), { recursive: true });
  await mkdir(join(folder, 'a'));
  // The first look at what changed, and the second.
  await eventually(() => expect(timersFired).toBeGreaterThanOrEqual(2));
  expect([...hints].filter((path) => !path.startsWith(folder))).toEqual([]);
});

it('says nothing of names that nobody needs', async () => {
  await mkdir(join(folder, 'round_1'));
  await writeFile(join(folder, 'round_1', '.a.mila-tmp'), 'x');
  await writeFile(join(folder, 'round_1', 'a.pt'), 'x');
  await eventually(() => expect([...hints]).toContain(join(folder, 'round_1', 'a.pt')));
  expect([...hints].filter((path) => path.endsWith('.mila-tmp'))).toEqual([]);
});

it('closes while second looks are still due', async () => {
  await mkdir(join(folder, 'a'));
  await eventually(() => expect(hints.size).toBeGreaterThan(0));
  await watcher?.close();
  await watcher?.close();
});
