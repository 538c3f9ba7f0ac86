import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { createAggregator } from '../../src/fl/aggregate/create-aggregator.ts';
import type { Executor } from '../../src/fl/executor/executor.ts';
import { runPaths } from '../../src/fl/round/run-folder.ts';
import { Checkpoint } from '../../src/fl/torch/checkpoint-reader.ts';
import { copyModel } from '../../src/fl/torch/clean-copy.ts';
import { readStateDict, writeStateDict } from '../../src/fl/torch/state-dict-file.ts';
import { openPlainWorkdir } from '../../src/fl/transport/plain-workdir.ts';
import { participantId } from '../../src/ids.ts';
import { silentLogger } from '../../src/logger.ts';
import { checkpointFile } from '../support/archive-maker.ts';
import { ONE_ROUND, Playground } from '../support/federation.ts';
import { GrpcPlayground } from '../support/grpc-federation.ts';
import { assemble, MODEL, named, rootOf, text } from '../support/pickle-assembler.ts';

let playground: Playground;
beforeEach(async () => {
  playground = await Playground.open();
});
afterEach(() => playground.close());

/** A well-formed model, and beside it what runs a program when Python loads the file. */
const EVIL = checkpointFile(
  rootOf(MODEL, text('optimizer'), assemble(named('posix', 'system'), text('id'), 0x85, 'R')),
);
async function foreignNames(path: string): Promise<readonly string[]> {
  const checkpoint = await Checkpoint.open(path);
  const names = checkpoint.foreignNames();
  checkpoint.close();
  return names;
}

/** Delivers what it started from, and notes what that was. */
function echoExecutor(seen: { path: string; foreign: readonly string[]; task: unknown }[]): Executor {
  return {
    async train({ startCheckpointPath: path = '', outputDirectory, configuration }) {
      const checkpointPath = join(outputDirectory, 'model.pt');
      seen.push({ path, foreign: await foreignNames(path), task: configuration['checkpoint_path'] });
      await copyFile(path, checkpointPath);
      return { checkpointPath, samples: 1, metrics: {} };
    },
    evaluate: async () => ({}),
  };
}

/** A server that publishes the evil file as the model to begin with: another program's, or somebody else's. */
async function publishing(bytes: Uint8Array) {
  const startPoint = join(playground.root, 'start.pt');
  await writeFile(startPoint, bytes);
  return {
    settings: ONE_ROUND,
    startPoint,
    stripStartPoint: copyFile,
    aggregator: await createAggregator('mila.aggregators.PlainTorchAggregator', {}, { logger: silentLogger }),
  };
}

it('a training starts from a copy without one instruction of the file that stands in the shared folder', async () => {
  const seen: Parameters<typeof echoExecutor>[0] = [];
  const [outcome] = await Promise.all([
    playground.server(await publishing(EVIL)),
    playground.client('a', { executor: echoExecutor(seen), copyModel }),
  ]);
  expect(outcome.ending?.kind).toBe('finished');
  const shared = join(playground.shared, runPaths.aggregate(outcome.run, 1));
  expect(await foreignNames(shared)).not.toEqual([]);
  const own = join(playground.root, 'client-a', outcome.run, 'a', 'start.latest.pt');
  expect(seen).toEqual([{ path: own, foreign: [], task: own }]);
  expect(await readStateDict(own)).toEqual(await readStateDict(shared));
});

it('the same over gRPC: a training starts from a copy of what the server sent', async () => {
  const seen: Parameters<typeof echoExecutor>[0] = [];
  const grpc = await GrpcPlayground.open();
  try {
    const server = await grpc.server(await publishing(EVIL));
    const client = grpc.client(server.target, 'a', {
      executor: echoExecutor(seen),
      copyModel,
    });
    const [outcome] = await Promise.all([server.outcome, client]);
    expect(outcome.ending?.kind).toBe('finished');
    expect(seen.map(({ foreign }) => foreign)).toEqual([[]]);
  } finally {
    await grpc.close();
  }
});

it('an aggregate that the reader refuses is trained from by nobody, and the client says why', async () => {
  const seen: Parameters<typeof echoExecutor>[0] = [];
  const given = await publishing(
    checkpointFile(rootOf(assemble(named('posix', 'system'), text('id'), 0x85, 'R'))),
  );
  const [server, client] = await Promise.allSettled([
    playground.server({ ...given, settings: { ...ONE_ROUND, heartbeatTimeoutMs: 300 } }),
    playground.client('a', { executor: echoExecutor(seen), copyModel, heartbeatFrequencyMs: 100 }),
  ]);
  expect(seen).toEqual([]);
  expect(server.status).toBe('fulfilled');
  expect(client).toMatchObject({
    reason: { code: 'failed', message: expect.stringMatching(/the model of round 1 cannot be used: /) },
  });
});

it('an aggregate with other bytes than its server describes is waited out, not trained from', async () => {
  const seen: Parameters<typeof echoExecutor>[0] = [];
  const server = playground.server({
    ...(await publishing(EVIL)),
    settings: { ...ONE_ROUND, roundsCount: 2 },
  });
  const client = playground.client('a', {
    copyModel,
    executor: echoExecutor(seen),
    workdir: await tamperingWorkdir(),
  });
  const [outcome] = await Promise.all([server, client]);
  expect(outcome.ending?.kind).toBe('finished');
  expect(seen.map(({ foreign }) => foreign)).toEqual([[], []]);
  const troubles = playground.events.filter(({ event, who }) => event === 'trouble' && who === 'a');
  expect(troubles).toContainEqual(
    expect.objectContaining({ message: expect.stringMatching(/not the ones that the server describes/) }),
  );
});

/** As the plain folder, but round 2's aggregate is another file until it was looked at once. */
async function tamperingWorkdir() {
  const options = { root: playground.shared, clock: systemClock(), logger: silentLogger, safetyPollMs: 100 };
  const workdir = await openPlainWorkdir(options);
  const other = join(playground.root, 'other.pt');
  await writeStateDict(
    other,
    new Map([['w', { dtype: 'float32', shape: [4], bytes: new Uint8Array(16).fill(1) }]]),
  );
  let asked = 0;
  return {
    ...workdir,
    absolutePath(path: string) {
      if (!path.endsWith('round_2/server.agg')) return workdir.absolutePath(path);
      asked += 1;
      return asked === 1 ? other : workdir.absolutePath(path);
    },
  };
}

it('the benchmarked rule evaluates a copy of each update, never the file of a participant', async () => {
  const folder = join(playground.root, 'updates');
  await mkdir(folder);
  await writeFile(join(folder, 'a.pt'), EVIL);
  await writeFile(join(folder, 'b.pt'), EVIL);
  const evaluated: { path: string; foreign: readonly string[] }[] = [];
  for (const compat of [{}, { compat: 'kmol' }]) {
    const aggregator = await createAggregator(
      'mila.aggregators.BenchmarkedTorchAggregator',
      { target_metric: 'score', ...compat },
      {
        logger: silentLogger,
        evaluate: async (path) => {
          evaluated.push({ path, foreign: await foreignNames(path) });
          return { score: 1 };
        },
      },
    );
    const inputs = ['a', 'b'].map((name) => ({
      participant: participantId(name),
      path: join(folder, `${name}.pt`),
      samples: null,
    }));
    await aggregator.aggregate(inputs, join(playground.root, 'out.pt'));
  }
  expect(evaluated.map(({ foreign }) => foreign)).toEqual([[], [], [], []]);
  expect(evaluated.filter(({ path }) => path.startsWith(folder))).toEqual([]);
  expect((await readFile(join(folder, 'a.pt'))).equals(EVIL)).toBe(true);
});
