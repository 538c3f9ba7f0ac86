import { lstat, mkdir, open, readdir, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { InvariantError, MilaError } from '../../src/errors.ts';
import { runPaths } from '../../src/fl/round/run-folder.ts';
import { type Random, randomBelow, seededRandom } from '../../src/random.ts';
import { numberExecutor, Playground, SETTINGS } from '../support/federation.ts';

/** How long cases are tried. Units: milliseconds. */
const BUDGET_MS = Number(process.env['MILA_FOLDER_FUZZ_SECONDS'] ?? 8) * 1_000;
const CASES_LEAST = 3;
/** How long a disturbed run may go on before it is stopped, and how long everybody may take to leave then. */
const RUN_MAX_MS = 1_500;
const LEAVE_MAX_MS = 12_000;
const HUGE_BYTES = 64 << 20;

let ground: Playground;
beforeEach(async () => {
  ground = await Playground.open();
});
afterEach(() => ground.close());

const pick = <Each>(random: Random, among: readonly Each[]): Each | undefined =>
  among[randomBelow(random, among.length)];

/** Everything in the shared folder by its path, and what a run might have there. */
async function pathsOf(root: string): Promise<readonly string[]> {
  const found = await readdir(root, { recursive: true, withFileTypes: true });
  const runs = (await readdir(root)).filter((name) => /^\d{4}-/.test(name));
  const wanted = runs.flatMap((run) => [
    ...[1, 2, 3, 9].flatMap((round) => [
      runPaths.aggregate(run, round),
      runPaths.noStartModel(run, round),
      runPaths.update(run, round, 'a'),
      runPaths.updateMeta(run, round, 'b'),
      runPaths.refused(run, round, 'a'),
      runPaths.failed(run, round, 'b'),
    ]),
    ...[
      runPaths.serverMeta(run, 2),
      runPaths.settings(run),
      runPaths.lost(run, 'a'),
      runPaths.departed(run, 'b'),
    ],
  ]);
  return [
    ...found.map((entry) => join(entry.parentPath, entry.name)),
    ...wanted.map((path) => join(root, path)),
  ];
}

type Change = (path: string, random: Random) => Promise<void>;

const CHANGES: Readonly<Record<string, Change>> = {
  remove: (path) => rm(path, { recursive: true, force: true }),
  empty: (path) => writeFile(path, ''),
  half: async (path) => truncate(path, Math.floor((await lstat(path)).size / 2)),
  junk: (path, random) =>
    writeFile(path, Buffer.from(Array.from({ length: 40 }, () => randomBelow(random, 256)))),
  text: (path, random) =>
    writeFile(path, pick(random, ['{}', '[]', 'null', '{"round":2}', 'Error - no', '7', '\u001b[2J']) ?? ''),
  huge: async (path) => {
    const handle = await open(path, 'w');
    await handle.truncate(HUGE_BYTES).finally(() => handle.close());
  },
  folder: async (path) => {
    await rm(path, { recursive: true, force: true });
    await mkdir(path, { recursive: true });
  },
  link: async (path) => {
    await rm(path, { recursive: true, force: true });
    await symlink('/etc/hostname', path);
  },
  loop: async (path) => {
    await rm(path, { recursive: true, force: true });
    await symlink(path, path);
  },
};

/** Change something in the folder. Returns what was done, for the message of a failure. */
async function disturb(random: Random): Promise<string> {
  const path = pick(random, await pathsOf(ground.shared));
  const [name, change] = pick(random, Object.entries(CHANGES)) ?? [];
  if (path === undefined || change === undefined) return 'nothing';
  await mkdir(dirname(path), { recursive: true }).catch(() => {});
  // What cannot be done to this path, such as half of a folder, is no case.
  await change(path, random).catch(() => {});
  return `${name} ${path.slice(ground.shared.length)}`;
}

const within = <Value>(promise: Promise<Value>, ms: number): Promise<Value | 'late'> =>
  Promise.race([promise, new Promise<'late'>((resolve) => setTimeout(() => resolve('late'), ms).unref())]);

/** One run that is disturbed once; what is wrong with how it ends. */
async function oneCase(seed: number): Promise<string[]> {
  const random = seededRandom(seed);
  const before = ground.events.length;
  const atEvent = before + randomBelow(random, 30);
  const stop = new AbortController();
  const settings = { ...SETTINGS, clientWaitTimeMs: 20, roundsCount: 3 };
  const inspect = async (path: string) =>
    Number.isFinite(Number.parseFloat(await readFile(path, 'latin1')))
      ? null
      : { reason: 'no-number', message: 'no number' };
  const client = (name: string) => ({
    executor: numberExecutor(1),
    savePath: join(ground.root, `${name}-${seed}`),
    settings: { trainingRetries: 1, rejoinWaitMs: 500, finalModelWaitMs: 500 },
    signal: stop.signal,
  });
  const caught = (promise: Promise<unknown>) =>
    promise.then(
      () => undefined,
      (error: unknown) => error,
    );
  const all = Promise.all([
    caught(
      ground.server({ settings, inspect, savePath: join(ground.root, `server-${seed}`), park: stop.signal }),
    ),
    caught(ground.client('a', client('a'))),
    caught(ground.client('b', client('b'))),
  ]);
  let done = 'nothing';
  const disturbed = (async () => {
    const endMs = performance.now() + RUN_MAX_MS;
    while (ground.events.length < atEvent && performance.now() < endMs)
      await new Promise((resolve) => setImmediate(resolve));
    done = await disturb(random);
  })();
  await within(all, RUN_MAX_MS);
  await disturbed;
  stop.abort();
  const errors = await within(all, LEAVE_MAX_MS);
  if (errors === 'late') return [`seed ${seed}: somebody hangs after "${done}"`];
  return errors
    .filter(
      (error) => error !== undefined && (!(error instanceof MilaError) || error instanceof InvariantError),
    )
    .map((error) => `seed ${seed}: after "${done}": ${error instanceof Error ? error.stack : String(error)}`);
}

it('whatever becomes of a file in the run folder, everybody can leave, and says a sentence', {
  timeout: BUDGET_MS + 60_000,
}, async () => {
  const first = Number(process.env['MILA_FOLDER_FUZZ_SEED'] ?? Date.now() % 1_000_000);
  const endMs = performance.now() + BUDGET_MS;
  const faults: string[] = [];
  let cases = 0;
  for (; cases < CASES_LEAST || performance.now() < endMs; cases += 1) {
    faults.push(...(await oneCase(first + cases)));
    await rm(ground.shared, { recursive: true, force: true });
    if (faults.length > 3) break;
  }
  expect(faults, `MILA_FOLDER_FUZZ_SEED=${first} npx vitest run test/property/run-folder.test.ts`).toEqual(
    [],
  );
  expect(cases).toBeGreaterThanOrEqual(CASES_LEAST);
});
