import { renameSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { createAggregator } from '../../src/fl/aggregate/create-aggregator.ts';
import { runPaths } from '../../src/fl/round/run-folder.ts';
import { writeStateDict } from '../../src/fl/torch/state-dict-file.ts';
import { findNewestRun } from '../../src/fl/transport/run-choice.ts';
import { silentLogger } from '../../src/logger.ts';
import { Playground, SETTINGS } from '../support/federation.ts';
import {
  RUN,
  SimulatedClient,
  SimulatedServer,
  synchronise,
  World,
} from '../support/federation-simulation.ts';
import { PATIENCE } from '../support/federation-stage.ts';
import { Replica } from '../support/replica.ts';

const ROUNDS = 2;
const NAMES = ['a', 'b'] as const;

/** A server, two clients and somebody who takes no part, each with an account and a copy of the folder of its own. */
class Scene {
  readonly world = new World();
  readonly server: SimulatedServer;
  readonly clients: readonly SimulatedClient[];
  readonly outsider: Replica;

  constructor() {
    const settings = { ...SETTINGS, roundsCount: ROUNDS, clientWaitTimeMs: 0, heartbeatTimeoutMs: 1e9 };
    this.server = new SimulatedServer(this.world, settings, { id: '1', name: 'server' });
    this.clients = NAMES.map(
      (name, index) => new SimulatedClient(this.world, name, PATIENCE, { id: `1${index}`, name }),
    );
    this.outsider = new Replica(this.world.nextVersion, { id: '99', name: 'out\u001bsider' });
  }

  carryAll(): void {
    const replicas = [this.server.replica, ...this.clients.map(({ replica }) => replica), this.outsider];
    for (let turn = 0; turn < 2; turn += 1)
      for (const replica of replicas) synchronise(this.world, replica, 0, 1_000);
  }

  /** Everybody looks and works once. With `isTraining`, trainings that have begun do not come to their end. */
  async turn(isTraining = false): Promise<void> {
    this.world.timeMs += 2_000;
    this.carryAll();
    await this.server.step();
    while (this.server.pending.length > 0) this.server.finishEffect(0);
    this.carryAll();
    for (const client of this.clients) {
      client.beat();
      await client.step();
      if (!isTraining) while (client.pending.length > 0) client.finishEffect(0);
    }
  }

  async until(reached: () => boolean, isTraining = false): Promise<void> {
    for (let turn = 0; turn < 60 && !reached(); turn += 1) await this.turn(isTraining);
    expect(reached()).toBe(true);
  }

  get isOver(): boolean {
    return this.server.ended && this.clients.every(({ ended }) => ended);
  }

  heard(event: string): readonly string[] {
    return this.world.log.filter((line) => line.includes(`"event":"${event}"`));
  }
}

const isTraining = (scene: Scene, round: number) =>
  scene.clients.every(({ pending }) => pending.some(({ key }) => key === `train ${round}`));

/** How far the run is when somebody else writes, and how it gets there. */
const PHASES: Readonly<Record<string, (scene: Scene) => Promise<void>>> = {
  'before anybody has come': async (scene) => scene.carryAll(),
  'while claims are answered': (scene) => scene.turn(),
  'while round 1 is trained': (scene) => scene.until(() => isTraining(scene, 1), true),
  'while round 2 is trained': async (scene) => {
    await scene.until(() => scene.server.aggregates.has(1));
    await scene.until(() => isTraining(scene, 2), true);
  },
  'while the last round is aggregated': (scene) => scene.until(() => scene.server.aggregates.has(ROUNDS)),
};

const EVIL = 'a model of somebody else';
const sha = (scene: Scene) => scene.clients[0]?.state.record.trained?.sha256 ?? 'none';
/** What somebody else writes: under a name of the server's, all at once or one by one. */
const FILES: Readonly<Record<string, (scene: Scene) => readonly (readonly [string, string])[]>> = {
  ...Object.fromEntries(
    [1, 2, 3, 4, 7].map((round) => [
      `server.agg of round ${round}`,
      () => [[runPaths.aggregate(RUN, round), EVIL]] as const,
    ]),
  ),
  'no_starting_model.info of every round': () =>
    [1, 2, 3, 4].map((round) => [runPaths.noStartModel(RUN, round), '']),
  'server.meta.json that says final': () =>
    [1, 2, 3].map((round) => [runPaths.serverMeta(RUN, round), '{"final": true}']),
  'server.settings.json': () => [[runPaths.settings(RUN), '{"heartbeat_timeout": 0.001}']],
  'server_ended.txt, stopped': () => [[runPaths.ended(RUN), 'Training stop by user\n1.0']],
  'server_ended.txt, finished': () => [[runPaths.ended(RUN), 'Training finished 1.0']],
  'cfg.json': () => [[runPaths.task(RUN), '{"evil": true}']],
  'marks of a lost connection': () =>
    NAMES.map((name) => [runPaths.lost(RUN, name), 'lost connection on round 1']),
  'refusals of updates': (scene) =>
    [1, 2].map((round) => [
      runPaths.refused(RUN, round, 'a'),
      JSON.stringify({ sha256: sha(scene), message: 'no', version: 'x' }),
    ]),
  'refusals in answers': () =>
    NAMES.map((name) => [
      runPaths.authentication(RUN, 'documented', name),
      'Error - Authentication failed...',
    ]),
  'thousands of empty rounds': () =>
    Array.from({ length: 300 }, (_, index) => [`${RUN}/rounds/round_${index + 5}/readme.txt`, '']),
};

describe.each(Object.keys(PHASES))('an account that takes no part writes, %s,', (phase) => {
  it.each(Object.keys(FILES))('%s: nothing happens but a report', async (kind) => {
    const scene = new Scene();
    await PHASES[phase]?.(scene);
    const written = FILES[kind]?.(scene) ?? [];
    // Where the participants' own claims do not stand yet, there is no answer to write over.
    const possible = written.filter(
      ([path]) => !path.includes('authentications/') || scene.outsider.text(path) !== undefined,
    );
    for (const [path, content] of possible) scene.outsider.put(path, content);
    await scene.until(() => scene.isOver);
    expect(scene.world.faults).toEqual([]);
    expect(scene.server.state.record.phase).toMatchObject({ ending: { kind: 'finished' } });
    expect(scene.clients.map(({ state }) => state.ending)).toMatchObject(
      NAMES.map(() => ({ kind: 'finished', finalRound: ROUNDS + 1 })),
    );
    expect([...scene.server.aggregates.values()]).toEqual(['aggregate 1 of a+b', 'aggregate 2 of a+b']);
    for (const { trainings } of scene.clients)
      expect([...trainings]).toEqual([
        [1, 1],
        [2, 1],
      ]);
    for (const event of ['participant-lost', 'update-refused', 'training-failed', 'registration-refused'])
      expect(scene.heard(event)).toEqual([]);
    const reports = scene.heard('foreign-file');
    expect(new Set(reports).size).toBe(reports.length);
    for (const report of reports) expect(report).toMatch(/"account":"out\?sider"/);
    for (const path of [runPaths.task(RUN), runPaths.ended(RUN), runPaths.aggregate(RUN, 3)])
      expect(scene.server.replica.files.get(path)?.modifiedBy?.id).toBe('1');
  });
});

it.each(['server_ended.txt, stopped', 'cfg.json', 'server.agg of round 7', 'marks of a lost connection'])(
  '%s of somebody else is told of once, by the server or the clients, with path and account',
  async (kind) => {
    const scene = new Scene();
    await PHASES['while round 1 is trained']?.(scene);
    for (const [path, content] of FILES[kind]?.(scene) ?? []) scene.outsider.put(path, content);
    await scene.until(() => scene.isOver);
    const reports = scene.heard('foreign-file');
    expect(reports.length).toBeGreaterThan(0);
    expect(reports.every((report) => report.includes(`"path":"${RUN}/`))).toBe(true);
  },
);

describe('the run that a client takes', () => {
  const NOW = Date.UTC(2026, 0, 2, 12);
  const folderOf = (...runs: readonly (readonly [string, string])[]) => {
    const world = new World();
    const folder = new Replica(world.nextVersion, { id: '10', name: 'client' });
    for (const [run, id] of runs) {
      const account = { id, name: `account ${id}` };
      folder.files.set(runPaths.task(run), {
        content: '{}',
        version: world.nextVersion(),
        createdBy: account,
        modifiedBy: account,
      });
    }
    return folder;
  };

  it('is none whose name lies more than a day in the future', async () => {
    const folder = folderOf(['2026-01-01_00-00-00', '1'], ['2099-01-01_00-00-00', '99']);
    expect(await findNewestRun(folder, { nowMs: NOW })).toEqual({
      name: '2026-01-01_00-00-00',
      ended: false,
    });
    expect(await findNewestRun(folderOf(['2026-01-03_00-00-00', '1']), { nowMs: NOW })).toBeDefined();
  });

  it.each(['1', 'account 1'])('is none that another account made than the one named as %s', async (named) => {
    const folder = folderOf(['2026-01-01_00-00-00', '1'], ['2026-01-01_00-00-01', '99']);
    const told: string[] = [];
    const onForeign = ({ path }: { path: string }) => void told.push(path);
    expect(await findNewestRun(folder, { named, onForeign })).toMatchObject({ name: '2026-01-01_00-00-00' });
    expect(told).toEqual(['2026-01-01_00-00-01']);
    expect(await findNewestRun(folder)).toMatchObject({ name: '2026-01-01_00-00-01' });
  });
});

let playground: Playground | undefined;
afterEach(async () => {
  await playground?.close();
  playground = undefined;
});

it('with --dir, where nobody has an identity, a round counts only after the one before it', async () => {
  playground = await Playground.open();
  const ground = playground;
  const trained: number[] = [];
  const [outcome] = await Promise.all([
    ground.server({ settings: { ...SETTINGS, minimumClients: 1, clientWaitTimeMs: 0, roundsCount: 2 } }),
    ground.client('a', {
      executor: {
        async train({ round, outputDirectory, configurationPath }) {
          trained.push(round);
          const run = configurationPath.split('/').at(-3) ?? '';
          const ahead = join(ground.shared, runPaths.aggregate(run, 9));
          await mkdir(dirname(ahead), { recursive: true });
          await writeFile(ahead, '1000');
          const checkpointPath = join(outputDirectory, 'number.pt');
          await writeFile(checkpointPath, '1');
          return { checkpointPath, samples: 1, metrics: {} };
        },
        evaluate: async () => ({}),
      },
    }),
  ]);
  expect(outcome.ending?.kind).toBe('finished');
  expect(trained).toEqual([1, 2]);
});

it('an update that is exchanged between its check and the aggregation is left out, with a word', async () => {
  playground = await Playground.open();
  const ground = playground;
  const model = (value: number) =>
    new Map([
      ['w', { dtype: 'float32', shape: [1], bytes: new Uint8Array(Float32Array.of(value).buffer) }] as const,
    ]);
  const other = join(ground.root, 'other.pt');
  const executor = (value: number) => ({
    async train({ outputDirectory }: { outputDirectory: string }) {
      const checkpointPath = join(outputDirectory, 'model.pt');
      await writeStateDict(checkpointPath, model(value));
      return { checkpointPath, samples: 1, metrics: {} };
    },
    evaluate: async () => ({}),
  });
  await writeStateDict(other, model(1_000));
  let run = '';
  const server = ground.server({
    settings: { ...SETTINGS, clientWaitTimeMs: 0, roundsCount: 1 },
    aggregator: await createAggregator('mila.aggregators.PlainTorchAggregator', {}, { logger: silentLogger }),
    onEvent: (event) => {
      ground.events.push({ ...event, who: 'server' });
      if (event.event === 'run-created') run = event.run;
      // What was checked is no more what stands there when the round closes.
      if (event.event === 'aggregating' && event.fraction === 0)
        renameSync(other, join(ground.shared, runPaths.update(run, 1, 'b')));
    },
  });
  const [outcome] = await Promise.all([
    server,
    ground.client('a', { executor: executor(1) }),
    ground.client('b', { executor: executor(3) }),
  ]);
  expect(outcome.ending?.kind).toBe('finished');
  const aggregated = ground.events.find(({ event }) => event === 'aggregated');
  expect(aggregated).toMatchObject({
    weights: { a: 1 },
    refused: [{ participant: 'b', reason: 'changed-since-check' }],
  });
});
