import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { ConfigError, CorruptError, RoundError } from '../../src/errors.ts';
import { openPlainWorkdir } from '../../src/fl/transport/plain-workdir.ts';
import { silentLogger } from '../../src/logger.ts';
import { numberAggregator, numberExecutor, ONE_ROUND, Playground } from '../support/federation.ts';

let playground: Playground;
beforeEach(async () => {
  playground = await Playground.open();
});
afterEach(() => playground.close());

async function plain() {
  const options = { root: playground.shared, clock: systemClock(), logger: silentLogger, safetyPollMs: 100 };
  return openPlainWorkdir(options);
}

it('B10: a client that waits for the next round looks seldom', async () => {
  const workdir = await plain();
  let looks = 0;
  const counting = {
    ...workdir,
    list: (path: string) => {
      looks += 1;
      return workdir.list(path);
    },
  };
  let open: () => void = () => {};
  const gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  const slow = numberExecutor(1, () => gate);
  const run = Promise.all([
    playground.server({ settings: { ...ONE_ROUND, minimumClients: 2 } }),
    playground.client('fast', { workdir: counting, heartbeatFrequencyMs: 30_000 }),
    playground.client('slow', { executor: slow, heartbeatFrequencyMs: 30_000 }),
  ]);
  await expect.poll(() => playground.eventsOf('fast'), { timeout: 10_000 }).toContain('uploaded');
  const before = looks;
  await expect.poll(() => looks - before, { timeout: 10_000 }).toBeGreaterThan(20);
  const startedAt = performance.now();
  const seen = looks;
  await expect.poll(() => performance.now() - startedAt, { timeout: 5_000 }).toBeGreaterThan(1_000);
  // Ten hints a second from the poll, five listings a look: a loop without a pause would make thousands.
  expect(looks - seen).toBeLessThan(150);
  open();
  await run;
});

it('B15: an aggregation that fails ends the run with the reason for everybody', async () => {
  const aggregator = {
    aggregate: async () => {
      throw new RoundError({ code: 'no-updates', message: 'no update could be used' });
    },
  };
  const [server, client] = await Promise.allSettled([
    playground.server({ settings: ONE_ROUND, aggregator }),
    playground.client('a'),
  ]);
  if (server.status === 'rejected') throw server.reason;
  expect(server.value.ending).toMatchObject({ kind: 'failed', code: 'no-updates' });
  expect(client).toMatchObject({
    reason: { code: 'stopped', message: expect.stringMatching(/no update could/) },
  });
});

const throwing = (error: Error) => ({
  aggregate: async () => {
    throw error;
  },
});

/** A participant that claims and is never heard of again. */
async function claimAndVanish(run: string): Promise<void> {
  await writeFile(join(playground.shared, run, 'authentications', 'a_authentication.txt'), '');
}

it.each([
  {
    how: 'with its last round',
    text: /^Training finished (\d{10}\.\d+)$/,
    act: () => [playground.server({ settings: ONE_ROUND }), playground.client('a')],
  },
  {
    how: 'by a person',
    text: /^Training stop by user\n(\d{10}\.\d+)$/,
    act: () => {
      const stop = new AbortController();
      const onEvent = () => stop.abort();
      return [playground.server({ settings: ONE_ROUND, stop: stop.signal, onEvent })];
    },
  },
  {
    how: 'by an aggregation that fails',
    text: /^Training stopped: aggregating round 1 failed: nothing could be used\n(\d{10}\.\d+)$/,
    act: () => {
      const aggregator = throwing(new RoundError({ code: 'no-updates', message: 'nothing could be used' }));
      return [playground.server({ settings: ONE_ROUND, aggregator }), playground.client('a')];
    },
  },
  {
    how: 'by a fault of the server',
    text: /^Training stopped: the server failed: a bug\n(\d{10}\.\d+)$/,
    act: () => [
      playground.server({ settings: ONE_ROUND, aggregator: throwing(new TypeError('a bug')) }),
      playground.client('a'),
    ],
  },
  {
    how: 'because nobody is left',
    text: /^Training stopped: no participant is left in round 1\n(\d{10}\.\d+)$/,
    act: () => [
      playground.server({
        settings: { ...ONE_ROUND, heartbeatTimeoutMs: 200 },
        onEvent: (event) => void (event.event === 'run-created' && claimAndVanish(event.run)),
      }),
    ],
  },
])('a run that ends $how says so in server_ended.txt, with the time of its end', async ({ text, act }) => {
  const beganAt = Date.now() / 1000;
  await Promise.allSettled(act());
  const [run = ''] = await readdir(playground.shared);
  const ended = await readFile(join(playground.shared, run, 'server_ended.txt'), 'utf8');
  expect(ended).toMatch(text);
  const at = Number(text.exec(ended)?.[1]);
  expect(at).toBeGreaterThanOrEqual(beganAt);
  expect(at).toBeLessThanOrEqual(Date.now() / 1000);
});

it('tries again when the disk is full in the middle of an aggregation, and goes on', async () => {
  let tries = 0;
  const aggregator = {
    aggregate: async (...args: Parameters<typeof numberAggregator.aggregate>) => {
      tries += 1;
      if (tries === 1) throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
      return numberAggregator.aggregate(...args);
    },
  };
  const [outcome] = await Promise.all([
    playground.server({ settings: ONE_ROUND, aggregator }),
    playground.client('a'),
  ]);
  expect(outcome.ending?.kind).toBe('finished');
  expect(tries).toBe(2);
});

it('B17: heartbeats go on after one could not be written', async () => {
  const workdir = await plain();
  let beats = 0;
  const flaky = {
    ...workdir,
    write: async (path: string, content: string | Uint8Array) => {
      if (!path.includes('heartbeats/')) return workdir.write(path, content);
      beats += 1;
      if (beats <= 2) throw Object.assign(new Error('busy'), { code: 'EBUSY' });
      return workdir.write(path, content);
    },
  };
  const executor = numberExecutor(1, () => expect.poll(() => beats, { timeout: 10_000 }).toBeGreaterThan(3));
  const [outcome] = await Promise.all([
    playground.server({ settings: ONE_ROUND }),
    playground.client('a', { workdir: flaky, heartbeatFrequencyMs: 50, executor }),
  ]);
  expect(outcome.ending?.kind).toBe('finished');
});

it('B18: a start point is published without anything but its model', async () => {
  const startPoint = join(playground.root, 'start.pt');
  await writeFile(startPoint, '5 and an epoch');
  const [outcome] = await Promise.all([
    playground.server({
      settings: ONE_ROUND,
      startPoint,
      stripStartPoint: async (source, output) =>
        writeFile(output, (await readFile(source, 'utf8')).split(' ')[0] ?? ''),
    }),
    playground.client('a'),
  ]);
  const run = join(playground.shared, outcome.run);
  expect(await readFile(join(run, 'rounds/round_1/server.agg'), 'utf8')).toBe('5');
  expect(await readFile(join(run, 'rounds/round_2/server.agg'), 'utf8')).toBe('6');
  expect(await readdir(join(run, 'rounds/round_1'))).not.toContain('no_starting_model.info');
});

it('a start point that cannot be read, or is none, is told before anybody hears of the run', async () => {
  const missing = playground.server({ settings: ONE_ROUND, startPoint: join(playground.root, 'nowhere.pt') });
  await expect(missing).rejects.toMatchObject({ code: 'start-point-missing' });
  const startPoint = join(playground.root, 'broken.pt');
  await writeFile(startPoint, 'no checkpoint');
  const stripStartPoint = async () => {
    throw new CorruptError({ code: 'malformed', message: 'broken.pt is no checkpoint' });
  };
  const broken = playground.server({ settings: ONE_ROUND, startPoint, stripStartPoint });
  await expect(broken).rejects.toMatchObject({ message: 'broken.pt is no checkpoint' });
  expect(await readdir(playground.shared)).toEqual([]);
});

it('an update that was trained from another model than its round’s is refused, and trained anew', async () => {
  let trainings = 0;
  const executor = numberExecutor(1, async () => {
    trainings += 1;
  });
  const workdir = await plain();
  const lying = {
    ...workdir,
    write: (path: string, content: string | Uint8Array) =>
      trainings === 2 && path.endsWith('round_2/a.meta.json')
        ? workdir.write(path, String(content).replace(/"start_sha256": "\w{4}/, '"start_sha256": "0000'))
        : workdir.write(path, content),
  };
  const settings = { trainingRetries: 1, rejoinWaitMs: 1_000, finalModelWaitMs: 5_000 };
  const [outcome] = await Promise.all([
    playground.server({ settings: { ...ONE_ROUND, roundsCount: 2 } }),
    playground.client('a', { executor, settings, workdir: lying }),
  ]);
  expect(outcome.ending?.kind).toBe('finished');
  expect(trainings).toBe(3);
  const refusals = playground.events.filter(
    ({ event, who }) => event === 'update-refused' && who === 'server',
  );
  expect(refusals).toMatchObject([{ round: 2, participant: 'a', reason: 'wrong-start' }]);
});

it('B16: the server ends after the last round, and a client goes on through an outage of the folder', async () => {
  const workdir = await plain();
  let failures = 0;
  const flaky = {
    ...workdir,
    list: async (path: string) => {
      if (path.includes('round_1') && failures < 2) {
        failures += 1;
        throw Object.assign(new Error('the network drive is gone'), { code: 'EHOSTDOWN' });
      }
      return workdir.list(path);
    },
  };
  const [server, client] = await Promise.all([
    playground.server({ settings: ONE_ROUND }),
    playground.client('a', { workdir: flaky }),
  ]);
  expect(failures).toBe(2);
  expect([server.ending?.kind, client.ending?.kind]).toEqual(['finished', 'finished']);
  expect(playground.events).toContainEqual(
    expect.objectContaining({ event: 'trouble', message: expect.stringMatching(/network drive is gone/) }),
  );
});

it('a fault of the server’s own ends the run with a word for everybody, and a person may open it again', async () => {
  const aggregator = {
    aggregate: async () => {
      throw new TypeError('a bug');
    },
  };
  const [server, client] = await Promise.allSettled([
    playground.server({ settings: ONE_ROUND, aggregator }),
    playground.client('a'),
  ]);
  expect(server).toMatchObject({ status: 'rejected', reason: { message: 'a bug' } });
  expect(client).toMatchObject({ reason: { message: 'Training stopped: the server failed: a bug' } });
  const [run = ''] = await readdir(playground.shared);
  const [outcome] = await Promise.all([
    playground.server({ settings: ONE_ROUND, resume: { run } }),
    playground.client('a', { run }),
  ]);
  expect(outcome).toMatchObject({ run, ending: { kind: 'finished' } });
});

it('a client that would beat more slowly than its server waits is told so before it claims anything', async () => {
  const park = new AbortController();
  const settings = { ...ONE_ROUND, heartbeatTimeoutMs: 30_000 };
  const server = playground.server({ settings, park: park.signal });
  await expect(playground.client('a', { heartbeatFrequencyMs: 30_000 })).rejects.toMatchObject({
    code: 'heartbeat-too-slow',
    hint: 'Set heartbeat_frequency to 10 or less.',
  });
  park.abort();
  const { run } = await server;
  expect(await readdir(join(playground.shared, run, 'authentications'))).toEqual([]);
});

it('two clients with one save_path never take each other’s checkpoint', async () => {
  const savePath = join(playground.root, 'both');
  const [outcome] = await Promise.all([
    playground.server({ settings: { ...ONE_ROUND, minimumClients: 2 } }),
    playground.client('a', { savePath, executor: numberExecutor(2) }),
    playground.client('b', { savePath, executor: numberExecutor(4) }),
  ]);
  const round = join(playground.shared, outcome.run, 'rounds/round_1');
  expect(await readFile(join(round, 'a.pt'), 'utf8')).toBe('2');
  expect(await readFile(join(round, 'b.pt'), 'utf8')).toBe('4');
});

it('B19: the checkpoint that the executor names is published, whatever else lies beside it', async () => {
  const executor = numberExecutor(7, async ({ outputDirectory }) => {
    await writeFile(join(outputDirectory, 'zz_newest_by_name.pt'), '999');
  });
  const [outcome] = await Promise.all([
    playground.server({ settings: ONE_ROUND }),
    playground.client('a', { executor }),
  ]);
  expect(await readFile(join(playground.shared, outcome.run, 'rounds/round_1/a.pt'), 'utf8')).toBe('7');
});

it("merges the task and the client's overwrites key by key, and names its own copy of the aggregate to start from", async () => {
  const seen: unknown[] = [];
  const executor = numberExecutor(1, async ({ configuration, configurationPath }) => {
    seen.push(configuration);
    expect(JSON.parse(await readFile(configurationPath, 'utf8'))).toEqual(configuration);
  });
  const [outcome] = await Promise.all([
    playground.server({ settings: { ...ONE_ROUND, roundsCount: 2 } }),
    playground.client('a', { executor, modelOverwrites: { epochs: 9, model: { type: 'other' } } }),
  ]);
  expect(seen[0]).toMatchObject({ epochs: 9, model: { type: 'other' } });
  expect(seen[0]).not.toHaveProperty('checkpoint_path');
  expect(seen[1]).toMatchObject({
    checkpoint_path: join(playground.root, 'client-a', outcome.run, 'a', 'start.latest.pt'),
  });
});

it('names its own copy in full where save_path is relative, for a program that works in another folder', async () => {
  const seen: unknown[] = [];
  const executor = numberExecutor(1, async ({ configuration, startCheckpointPath }) => {
    seen.push([configuration['checkpoint_path'], startCheckpointPath]);
  });
  const [outcome] = await Promise.all([
    playground.server({ settings: { ...ONE_ROUND, roundsCount: 2 } }),
    playground.client('a', { executor, savePath: relative(process.cwd(), join(playground.root, 'kept')) }),
  ]);
  const copy = join(playground.root, 'kept', outcome.run, 'a', 'start.latest.pt');
  expect(seen[1]).toEqual([copy, copy]);
});

it('a training that fails is tried again as often as configured', async () => {
  let tries = 0;
  const executor = numberExecutor(1, async () => {
    tries += 1;
    if (tries < 3) throw new RoundError({ code: 'training-failed', message: 'out of memory' });
  });
  const settings = { trainingRetries: 2, rejoinWaitMs: 1_000, finalModelWaitMs: 5_000 };
  const [outcome] = await Promise.all([
    playground.server({ settings: ONE_ROUND }),
    playground.client('a', { executor, settings }),
  ]);
  expect(outcome.ending?.kind).toBe('finished');
});

it('a training that goes on failing is reported in the folder and ends the client, not the others', async () => {
  const failing = numberExecutor(1, async () => {
    throw new RoundError({ code: 'training-failed', message: 'out of memory' });
  });
  const results = await Promise.allSettled([
    playground.server({ settings: { ...ONE_ROUND, minimumClients: 2 } }),
    playground.client('good', { executor: numberExecutor(4) }),
    playground.client('Bad', { executor: failing }),
  ]);
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected']);
  expect(results[2]).toMatchObject({
    reason: { code: 'failed', message: expect.stringMatching(/out of memory/) },
  });
  const [run = ''] = await readdir(playground.shared);
  const folder = join(playground.shared, run, 'rounds');
  expect(await readFile(join(folder, 'round_1/bad.failed.json'), 'utf8')).toMatch(/out of memory/);
  expect(await readFile(join(folder, 'round_2/server.agg'), 'utf8')).toBe('4');
});

it('a configuration that cannot be trained is not tried again', async () => {
  let tries = 0;
  const executor = numberExecutor(1, async () => {
    tries += 1;
    throw new ConfigError({ code: 'task-configuration', message: 'epochs: missing' });
  });
  const settings = { trainingRetries: 5, rejoinWaitMs: 1_000, finalModelWaitMs: 5_000 };
  const stop = new AbortController();
  const server = playground.server({ settings: ONE_ROUND, stop: stop.signal });
  await expect(playground.client('a', { executor, settings })).rejects.toBeInstanceOf(ConfigError);
  expect(tries).toBe(1);
  stop.abort();
  await server;
});
