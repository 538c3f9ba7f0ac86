import { cp, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { summariseHistory } from '../../src/fl/report/run-summary.ts';
import type { FederationEvent } from '../../src/fl/round/event.ts';
import { openPlainWorkdir } from '../../src/fl/transport/plain-workdir.ts';
import type { Workdir } from '../../src/fl/transport/workdir.ts';
import { silentLogger } from '../../src/logger.ts';
import { numberExecutor, Playground, SETTINGS } from '../support/federation.ts';

let playground: Playground;
beforeEach(async () => {
  playground = await Playground.open();
});
afterEach(() => playground.close());

/** The process's death: nothing in the programs expects it, so nothing handles it. */
class Death extends Error {}

/** A folder at whose `writes`-th write the process dies: before that write, or right after it. */
async function deadlyWorkdir(writes: number, when: 'before' | 'after'): Promise<Workdir> {
  const options = { root: playground.shared, clock: systemClock(), logger: silentLogger, safetyPollMs: 100 };
  const plain = await openPlainWorkdir(options);
  let left = writes;
  let isDead = false;
  const guarded = async (write: () => Promise<void>) => {
    if (isDead) throw new Death();
    left -= 1;
    if (left > 0) return write();
    isDead = true;
    if (when === 'after') await write();
    throw new Death();
  };
  return {
    ...plain,
    write: (path, content) => guarded(() => plain.write(path, content)),
    writeStream: (path, fill) => guarded(() => plain.writeStream(path, fill)),
    remove: (path) => guarded(() => plain.remove(path)),
  };
}

/** Run something again and again, each life a little longer than the last, until it survives. */
async function untilItLives<Outcome>(live: (life: number) => Promise<Outcome>): Promise<Outcome> {
  const livesMax = 60;
  for (let life = 1; life < livesMax; life += 1) {
    try {
      return await live(life);
    } catch (error) {
      if (!(error instanceof Death)) throw error;
    }
  }
  throw new Error(`no end after ${livesMax} lives`);
}

const SHORT = { ...SETTINGS, roundsCount: 2, clientWaitTimeMs: 50 };

for (const when of ['before', 'after'] as const) {
  it(`a server that dies ${when} each of its writes in turn goes on and ends with the same model`, async () => {
    const server = untilItLives(async (life) =>
      playground.server({ settings: SHORT, workdir: await deadlyWorkdir(life, when) }),
    );
    const [outcome, ...clients] = await Promise.all([
      server,
      playground.client('a', { executor: numberExecutor(1) }),
      playground.client('b', { executor: numberExecutor(3) }),
    ]);
    expect(outcome.ending?.kind).toBe('finished');
    expect(clients.map(({ ending }) => ending?.kind)).toEqual(['finished', 'finished']);
    const run = join(playground.shared, outcome.run);
    expect((await readdir(join(run, 'rounds'))).sort()).toEqual(['round_1', 'round_2', 'round_3']);
    expect(await readFile(join(run, 'rounds', 'round_3', 'server.agg'), 'utf8')).toBe('4');
    // It was one run all along.
    expect((await readdir(playground.shared)).length).toBe(1);
  });

  it(`a client that dies ${when} each of its writes in turn goes on and trains no round twice`, async () => {
    const trained: number[] = [];
    const executor = numberExecutor(3, async ({ round }) => void trained.push(round));
    const client = untilItLives(async (life) =>
      playground.client('b', { executor, workdir: await deadlyWorkdir(life, when) }),
    );
    const [outcome] = await Promise.all([
      playground.server({ settings: SHORT }),
      client,
      playground.client('a', { executor: numberExecutor(1) }),
    ]);
    expect(outcome.ending?.kind).toBe('finished');
    expect(trained).toEqual([1, 2]);
    expect(await readFile(join(playground.shared, outcome.run, 'rounds/round_3/server.agg'), 'utf8')).toBe(
      '4',
    );
  });
}

it('a parked server is opened again by its next start without being told', async () => {
  const park = new AbortController();
  const first = playground.server({
    settings: SHORT,
    park: park.signal,
    onEvent: (event) => {
      if (event.event === 'round-started') park.abort();
    },
  });
  const clients = Promise.all([playground.client('a'), playground.client('b')]);
  const parked = await first;
  expect(parked.ending).toBeNull();
  const second = await playground.server({ settings: SHORT });
  expect(second).toMatchObject({ run: parked.run, ending: { kind: 'finished' } });
  await clients;
});

it('goes on at other machines: the server with a copy of its results, a site with nothing but its configuration', async () => {
  const park = new AbortController();
  const onEvent = (event: FederationEvent) => {
    if (event.event === 'aggregated') park.abort();
  };
  const first = playground.server({ settings: SHORT, park: park.signal, onEvent });
  const old = new AbortController();
  const left = playground.client('a', { signal: old.signal });
  const other = playground.client('b');
  const parked = await first;
  old.abort();
  await left.catch(() => undefined);
  const savePath = join(playground.root, 'other-machine');
  await cp(join(playground.root, 'server-results'), savePath, { recursive: true });
  const [second] = await Promise.all([
    playground.server({ settings: SHORT, savePath }),
    playground.client('a', { savePath: join(playground.root, 'new-machine') }),
    other,
  ]);
  expect(second).toMatchObject({ run: parked.run, ending: { kind: 'finished' } });
  const empty = playground.server({ savePath: join(playground.root, 'empty'), resume: { run: parked.run } });
  await expect(empty).rejects.toMatchObject({ code: 'nothing-to-resume' });
});

it('a round whose aggregate was the last that a killed server made is in the history and the summary all the same', async () => {
  const park = new AbortController();
  const onEvent = (event: FederationEvent) => {
    if (event.event === 'aggregated') park.abort();
  };
  const first = playground.server({ settings: SHORT, park: park.signal, onEvent });
  const clients = Promise.all([playground.client('a'), playground.client('b')]);
  const { run } = await first;
  const results = join(playground.root, 'server-results', run);
  const path = join(results, 'history.jsonl');
  // What a death between keeping the decision and writing the line leaves: half of it.
  const history = await readFile(path, 'utf8');
  await writeFile(path, history.slice(0, history.indexOf('"event":"aggregated"') + 10));
  await writeFile(join(results, 'metrics.csv'), 'round,participant,metric,value\n');
  const second = await playground.server({ settings: SHORT });
  expect(second).toMatchObject({ run, ending: { kind: 'finished' } });
  await clients;
  const lines = (await readFile(path, 'utf8')).split('\n');
  expect(summariseHistory(lines)).toMatchObject([
    { round: 1, weights: { a: 0.5, b: 0.5 }, metrics: { value: 1 } },
    { round: 2, weights: { a: 0.5, b: 0.5 }, metrics: { value: 2 } },
  ]);
  expect(lines.filter((line) => line.startsWith('{') && line.includes('"run-resumed"'))).toHaveLength(1);
  expect(await readFile(join(results, 'metrics.csv'), 'utf8')).toMatch(/\n1,server,value,1\n/);
});

it('a stopped run tells its clients, and goes on when a person resumes it', async () => {
  const stop = new AbortController();
  const first = playground.server({
    settings: SHORT,
    stop: stop.signal,
    onEvent: (event) => {
      if (event.event === 'aggregated') stop.abort();
    },
  });
  const clients = await Promise.allSettled([first, playground.client('a'), playground.client('b')]);
  expect(clients.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected']);
  const stopped = await first;
  const ended = join(playground.shared, stopped.run, 'server_ended.txt');
  expect(await readFile(ended, 'utf8')).toMatch(/^Training stop by user\n\d/);
  const again = playground.server({ settings: SHORT, resume: { run: stopped.run } });
  await expect.poll(() => readFile(ended, 'utf8').catch(() => 'gone')).toBe('gone');
  const [outcome] = await Promise.all([again, playground.client('a'), playground.client('b')]);
  expect(outcome.ending?.kind).toBe('finished');
});

it('a finished run is not resumed, and the next start begins a new one', async () => {
  const both = () =>
    Promise.all([playground.server({ settings: SHORT }), playground.client('a'), playground.client('b')]);
  const [first] = await both();
  await expect(playground.server({ resume: { run: first.run } })).rejects.toMatchObject({
    code: 'run-finished',
  });
  const [second] = await both();
  expect(second.run).not.toBe(first.run);
});

it("a server of another shared folder never goes on with this one's run, even with the same results folder", async () => {
  const park = new AbortController();
  const onEvent = () => park.abort();
  const first = await playground.server({ settings: SHORT, park: park.signal, onEvent });
  const second = await playground.server({ session: 'other/run', park: park.signal, onEvent });
  expect(second.run).not.toBe(first.run);
  const third = await playground.server({ settings: SHORT, park: park.signal, onEvent });
  expect(third.run).toBe(first.run);
});
