import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkpointOf, RUN, SERVER } from '../../fixtures/recordings/stage.ts';
import { createAggregator } from '../../src/fl/aggregate/create-aggregator.ts';
import type { Executor } from '../../src/fl/executor/executor.ts';
import { inspectCheckpoint } from '../../src/fl/torch/inspect-checkpoint.ts';
import { readStateDict } from '../../src/fl/torch/state-dict-file.ts';
import { silentLogger } from '../../src/logger.ts';
import type { FolderChange } from '../../src/sync/recording/recorded-folder.ts';
import { eventually } from '../support/eventually.ts';
import { Playground, SETTINGS } from '../support/federation.ts';
import { playPeers } from '../support/recorded-peers.ts';

let playground: Playground;
beforeEach(async () => {
  playground = await Playground.open();
  await mkdir(playground.shared, { recursive: true });
});
afterEach(() => playground.close());

const text = (run: string, path: string) => readFile(join(playground.shared, run, path), 'utf8');
const values = async (path: string) => {
  const weight = (await readStateDict(path)).get('layer.weight');
  return weight === undefined ? [] : [...new Float32Array(weight.bytes.slice().buffer)];
};

async function serve(rounds: number, clients: number, deadlineMs: number | null = null) {
  const aggregator = await createAggregator(
    'mila.aggregators.PlainTorchAggregator',
    {},
    { logger: silentLogger },
  );
  return playground.server({
    settings: {
      ...SETTINGS,
      roundsCount: rounds,
      minimumClients: clients,
      stragglers: { deadlineMs, share: 1, minimumUpdates: 1 },
    },
    aggregator,
    inspect: async (path) => {
      await inspectCheckpoint(path);
      return null;
    },
  });
}

/** Files that the server writes; only what others wait for is awaited. */
const byServer = (change: FolderChange) => change.kind === 'removed' || change.by?.name === SERVER;
const notAwaited = ({ kind, names }: FolderChange) =>
  kind === 'removed' || /\.lost_connection$|server_ended\.txt$/.test(names.at(-1) ?? '');

const peersOf = (isOwn: (change: FolderChange) => boolean, run: string | null = null) => ({
  shared: playground.shared,
  isOwn,
  run,
});

describe('the server, with a recording for its clients', () => {
  it.each([
    ['two-testers', 1, 2, 1.5],
    ['late-client', 1, 2, 1.5],
    ['server-error', 2, 2, 2.5],
    ['resumed', 2, 2, 2.5],
  ])('takes the session %s to its end, with the recorded models', async (name, rounds, clients, value) => {
    const serving = serve(rounds, clients);
    await playPeers({ name, ...peersOf(byServer), isIdle: notAwaited });
    const { run, ending } = await serving;
    expect(ending?.kind).toBe('finished');
    const final = join(playground.shared, run, `rounds/round_${rounds + 1}/server.agg`);
    expect(await values(final)).toEqual(Array.from({ length: 8 }, () => value));
    if (name === 'late-client')
      expect(await text(run, 'authentications/late_authentication.txt')).toMatch(/^Error - .*closed/);
  });

  it('goes on without five of ten testers who deliver nothing more', async () => {
    const serving = serve(3, 10, 2_000);
    await playPeers({ name: 'ten-testers', ...peersOf(byServer), isIdle: notAwaited });
    const { run, ending } = await serving;
    expect(ending?.kind).toBe('finished');
    expect(await values(join(playground.shared, run, 'rounds/round_2/server.agg'))).toContain(5.5);
    expect(await values(join(playground.shared, run, 'rounds/round_4/server.agg'))).toContain(5);
    expect(JSON.parse(await text(run, 'rounds/round_3/server.meta.json'))).toMatchObject({
      participants: ['tester1', 'tester2', 'tester3', 'tester4', 'tester5'],
    });
  });

  it('understands claims and checkpoints of kMoL’s own clients', async () => {
    const serving = serve(1, 2);
    // Our server makes the folder that it was told to; the claims come in the other spelling.
    await playPeers({ name: 'kmol-layout', ...peersOf(byServer), isIdle: notAwaited });
    const { run, ending } = await serving;
    expect(ending?.kind).toBe('finished');
    const result = await readStateDict(join(playground.shared, run, 'rounds/round_2/server.agg'));
    const sent = await readStateDict(join(playground.shared, run, 'rounds/round_1/tester1.pt'));
    expect(result).toEqual(sent);
  });
});

describe('a client, with a recording for the server and the others', () => {
  /** Trains what the recorded tester1 had. */
  const executor: Executor = {
    async train({ configuration: _task, outputDirectory, startCheckpointPath }) {
      const start = startCheckpointPath === undefined ? [] : await values(startCheckpointPath);
      const checkpointPath = join(outputDirectory, 'model.pt');
      await writeFile(checkpointPath, await checkpointOf((start[0] ?? 0) + 1));
      return { checkpointPath, samples: 100, metrics: {} };
    },
    evaluate: async () => ({}),
  };

  /** Events of the client under test, awaited where the recording must not run ahead of it. */
  const told = (event: string) =>
    eventually(() => expect(playground.events.map((each) => each.event)).toContain(event));

  async function takePart(name: string, session: string, awaited: Readonly<Record<string, string>> = {}) {
    const isOwn = ({ kind, by }: FolderChange) => kind !== 'removed' && by?.name === name;
    const onPlayed = async ({ names, content }: FolderChange) => {
      const event = awaited[names.at(-1) ?? ''];
      if (event !== undefined && (content?.sizeBytes ?? 0) > 0) await told(event);
    };
    const client = playground
      .client(name, {
        executor,
        settings: { trainingRetries: 0, rejoinWaitMs: 300, finalModelWaitMs: 2_000 },
      })
      .then(
        ({ ending }) => ending?.kind,
        (error: Error & { code: string }) => error.code,
      );
    await playPeers({ name: session, ...peersOf(isOwn, RUN), onPlayed });
    return client;
  }

  it.each([
    ['two-testers', 'tester1', 1],
    ['ten-testers', 'tester1', 3],
    ['resumed', 'tester2', 2],
    ['kmol-layout', 'tester2', 1],
  ])('takes part in %s as %s to the end', async (session, name, rounds) => {
    expect(await takePart(name, session)).toBe('finished');
    const last = join(playground.shared, RUN, `rounds/round_${rounds}/${name}.pt`);
    expect((await inspectCheckpoint(last)).tensors.size).toBe(2);
  });

  it.each([
    ['late-client', 'late', 'refused', { 'late_authentication.txt': 'ended' }],
    ['server-error', 'tester1', 'stopped', {}],
    ['ten-testers', 'tester7', 'cut-off', { 'tester7.lost_connection': 'ended' }],
  ])('ends without success in %s as %s', async (session, name, code, awaited) => {
    expect(await takePart(name, session, awaited)).toBe(code);
  });
});
