import type { ChildProcess } from 'node:child_process';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { createAggregator } from '../../src/fl/aggregate/create-aggregator.ts';
import { runFederationClient } from '../../src/fl/client.ts';
import { loadClientConfiguration } from '../../src/fl/config/client-configuration.ts';
import { loadServerConfiguration } from '../../src/fl/config/server-configuration.ts';
import { createExecutor } from '../../src/fl/executor/create-executor.ts';
import { runFederationServer } from '../../src/fl/server.ts';
import { inspectCheckpoint } from '../../src/fl/torch/inspect-checkpoint.ts';
import { readStateDict } from '../../src/fl/torch/state-dict-file.ts';
import { silentLogger } from '../../src/logger.ts';
import { systemRandom } from '../../src/random.ts';
import { KMOL_BOX, runPeer } from '../support/kmol-box.ts';
import { BoxStage, type MountedSite } from '../support/mounted-federation.ts';
import { hasTorch, PYTHON } from '../unit/fl/torch/python.ts';

const common = { clock: systemClock(), logger: silentLogger };
const TASK = '{"model": {"type":  "linear"},\n "epochs": 1}\n';

let box: BoxStage;
let peers: ChildProcess[] = [];
beforeEach(async () => {
  box = await BoxStage.open();
});
afterEach(async () => {
  for (const peer of peers) peer.kill('SIGKILL');
  peers = [];
  await box.close();
});

/** One of our own clients, training by `kmol train CONFIG`. */
async function ownClient(name: string, step: number) {
  const path = await box.configure(name, {
    heartbeat_frequency: 60,
    executor_type: 'kmol.run.Executor',
    executor_options: { command: [PYTHON, KMOL_BOX, 'train', '{config}'] },
    model_overwrites: { step, output_path: join(box.folder, name, 'output') },
  });
  const site = await box.mount(path);
  const { configuration } = await loadClientConfiguration(path);
  const executor = await createExecutor(configuration.executorType, configuration.executorOptions, {
    ...common,
    environment: process.env,
    temporaryDirectory: tmpdir(),
  });
  const ending = runFederationClient({
    ...configuration,
    ...common,
    run: null,
    workdir: site.opened.workdir,
    executor,
    onEvent: () => {},
    signal: new AbortController().signal,
  });
  return { site, ending };
}

async function ownServer(path: string, site: MountedSite) {
  const { configuration } = await loadServerConfiguration(path);
  const never = new AbortController().signal;
  return runFederationServer({
    ...configuration,
    ...common,
    session: 'kmol',
    resume: 'auto',
    workdir: site.opened.workdir,
    random: systemRandom(),
    aggregator: await createAggregator(configuration.aggregatorType, {}, { logger: silentLogger }),
    inspect: async (checkpoint) => {
      await inspectCheckpoint(checkpoint);
      return null;
    },
    stripStartPoint: async () => {},
    onEvent: () => {},
    stop: never,
    park: never,
  });
}

/** Settings of a peer with a folder of its own. */
async function peerOf(name: string, keys: Record<string, unknown>, token: string) {
  const folder = join(box.folder, `peer-${name}`);
  await mkdir(folder);
  return { ...box.peerSettings(token), folder, ...keys };
}

async function biasOf(path: string): Promise<readonly number[]> {
  const bias = (await readStateDict(path)).get('0.bias');
  return [...new Float32Array(new Uint8Array(bias?.bytes ?? []).buffer)];
}

describe.skipIf(!hasTorch())("with kMoL's own programs in the same Box folder (PyTorch)", () => {
  it("serves kMoL's clients, which talk to Box themselves, beside one of its own", {
    timeout: 120_000,
  }, async () => {
    const serverPath = await box.configure('server', {
      layout: 'kmol',
      rounds_count: 2,
      minimum_clients: 3,
      maximum_clients: 3,
      client_wait_time: 0,
      task_configuration_file: join(box.folder, 'kmol-task.json'),
    });
    await writeFile(join(box.folder, 'kmol-task.json'), TASK);
    const site = await box.mount(serverPath);
    const own = await ownClient('own', 1);
    const accounts = { Python_A: await box.account('Python_A'), python_b: await box.account('python_b') };
    const [outcome, ending, first, second] = await Promise.all([
      ownServer(serverPath, site),
      own.ending,
      peerOf('a', { name: 'Python_A', step: 2 }, accounts.Python_A.token).then((settings) =>
        runPeer('client', settings, peers),
      ),
      peerOf('b', { name: 'python_b', step: 3 }, accounts.python_b.token).then((settings) =>
        runPeer('client', settings, peers),
      ),
    ]);
    expect(outcome.ending?.kind).toBe('finished');
    expect(ending.ending?.kind).toBe('finished');
    // Each is told its own account, and gets the task byte for byte.
    expect(first).toEqual({
      answer: `Authenticated - Token ${accounts.Python_A.id}`,
      task: TASK,
      rounds: [1, 2],
    });
    expect(second).toMatchObject({ answer: `Authenticated - Token ${accounts.python_b.id}`, rounds: [1, 2] });
    const run = join(site.root, outcome.run);
    expect((await readdir(run)).sort()).toEqual([
      'authentifications',
      'cfg.json',
      'heartbeats',
      'rounds',
      'server.settings.json',
      'server.status.json',
      'server_ended.txt',
    ]);
    const updates = (await readdir(join(run, 'rounds', 'round_2'))).filter((name) => name.endsWith('.pt'));
    expect(updates.sort()).toEqual(['own.pt', 'python_a.pt', 'python_b.pt']);
    // The mean step is two; two rounds.
    expect(await biasOf(join(run, 'rounds', 'round_3', 'server.agg'))).toEqual([4, 4]);
  });

  it("takes part in a run of kMoL's server, which knows its clients by their accounts", {
    timeout: 120_000,
  }, async () => {
    const service = await box.tokenOf(box.emulator.serviceAccountId);
    const root = await box.api('GET', '/2.0/folders/0/items', service);
    let parent = (root['entries'] as { id: string; name: string }[]).find(
      ({ name }) => name === 'shared',
    )?.id;
    for (const name of ['phase', 'one'])
      parent = String(
        (await box.api('POST', '/2.0/folders', service, { name, parent: { id: parent } }))['id'],
      );
    const keys = { clients: 2, rounds: 2, run: '2026-05-06_07-08-09', task: TASK };
    const [first, second] = [await ownClient('Site_A', 1), await ownClient('site_b', 3)];
    const [told, ...endings] = await Promise.all([
      peerOf('server', keys, service).then((settings) => runPeer('server', settings, peers)),
      first.ending,
      second.ending,
    ]);
    expect(told).toEqual({ names: ['Site_A', 'site_b'], bias: [4, 4] });
    expect(endings.map(({ ending }) => ending)).toMatchObject([
      { kind: 'finished', finalRound: 3 },
      { kind: 'finished', finalRound: 3 },
    ]);
    const run = join(first.site.root, keys.run);
    expect(await biasOf(join(run, 'rounds', 'round_3', 'server.agg'))).toEqual([4, 4]);
    expect(await readFile(join(run, 'heartbeats', 'Site_A_heartbeat.txt'), 'utf8')).toMatch(
      /^\d{10}\.\d{1,7}$/,
    );
  });
});
