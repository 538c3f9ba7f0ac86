import { access, constants, copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../src/clock.ts';
import type { Aggregator } from '../../src/fl/aggregate/aggregator.ts';
import type { FederationClientOptions } from '../../src/fl/client.ts';
import { runFederationClient } from '../../src/fl/client.ts';
import type { Executor, TrainingRequest } from '../../src/fl/executor/executor.ts';
import type { FederationEvent } from '../../src/fl/round/event.ts';
import type { ServerSettings } from '../../src/fl/round/settings.ts';
import type { FederationServerOptions } from '../../src/fl/server.ts';
import { runFederationServer } from '../../src/fl/server.ts';
import { openPlainWorkdir } from '../../src/fl/transport/plain-workdir.ts';
import type { CopyModel } from '../../src/fl/transport/start-model.ts';
import { silentLogger } from '../../src/logger.ts';
import { systemRandom } from '../../src/random.ts';

/** Averages numbers in text files: a model small enough to check by hand. */
export const numberAggregator: Aggregator = {
  async aggregate(inputs, outputPath) {
    const values = await Promise.all(inputs.map(async ({ path }) => Number(await readFile(path, 'utf8'))));
    await writeFile(outputPath, String(values.reduce((sum, value) => sum + value, 0) / values.length));
    return {
      weights: new Map(inputs.map(({ participant }) => [participant, 1 / inputs.length])),
      refused: [],
      tensors: 1,
      sizeBytes: 1,
      notes: [],
    };
  },
};

/** Takes over a number as it stands: it is no checkpoint that the codec would read. */
export const copyNumber: CopyModel = (source, output) => copyFile(source, output);

/** Adds `step` to the number it starts from (0 without one). */
export function numberExecutor(step: number, before?: (request: TrainingRequest) => Promise<void>): Executor {
  return {
    async train(request) {
      await before?.(request);
      const start = request.startCheckpointPath;
      const value = start === undefined ? 0 : Number(await readFile(start, 'utf8'));
      const checkpointPath = join(request.outputDirectory, 'number.pt');
      await writeFile(checkpointPath, String(value + step));
      return { checkpointPath, samples: 10 * step, metrics: { value: value + step } };
    },
    evaluate: async () => ({}),
  };
}

export const SETTINGS: ServerSettings = {
  roundsCount: 3,
  minimumClients: 2,
  maximumClients: 100,
  members: null,
  clientWaitTimeMs: 100,
  heartbeatTimeoutMs: 60_000,
  rejoin: true,
  stragglers: { deadlineMs: null, share: 1, minimumUpdates: 1 },
};

/** One round of one client, which nobody waits for. */
export const ONE_ROUND: ServerSettings = {
  ...SETTINGS,
  minimumClients: 1,
  clientWaitTimeMs: 0,
  roundsCount: 1,
};

/** Memory where the system offers it as a folder: a hundred participants' synced writes are slow on a disk. */
async function fastDirectory(): Promise<string> {
  const memory = '/dev/shm';
  return access(memory, constants.W_OK).then(
    () => memory,
    () => tmpdir(),
  );
}

/** A shared folder on this disk, with what a server and its clients need around it. */
export class Playground {
  readonly root: string;
  readonly shared: string;
  safetyPollMs = 200;
  readonly events: (FederationEvent & { who: string })[] = [];

  private constructor(root: string) {
    this.root = root;
    this.shared = join(root, 'shared');
  }

  static async open(): Promise<Playground> {
    const root = await mkdtemp(join(await fastDirectory(), 'mila-federation-'));
    await writeFile(join(root, 'task.json'), '{"model": {"type": "number"}, "epochs": 3}\n');
    return new Playground(root);
  }

  async close(): Promise<void> {
    await rm(this.root, { recursive: true, force: true, maxRetries: 5 });
  }

  async server(overrides: Partial<FederationServerOptions> = {}) {
    const clock = overrides.clock ?? systemClock();
    const never = new AbortController().signal;
    return runFederationServer({
      settings: SETTINGS,
      layout: 'documented',
      session: 'shared/run',
      taskFile: join(this.root, 'task.json'),
      startPoint: null,
      savePath: join(this.root, 'server-results'),
      resume: 'auto',
      workdir: await openPlainWorkdir({
        root: this.shared,
        clock,
        logger: silentLogger,
        safetyPollMs: this.safetyPollMs,
      }),
      clock,
      random: systemRandom(),
      logger: silentLogger,
      aggregator: numberAggregator,
      inspect: async () => null,
      stripStartPoint: async (source, output) => writeFile(output, await readFile(source)),
      onEvent: (event) => void this.events.push({ ...event, who: 'server' }),
      stop: never,
      park: never,
      ...overrides,
    });
  }

  async client(name: string, overrides: Partial<FederationClientOptions> = {}) {
    const clock = overrides.clock ?? systemClock();
    return runFederationClient({
      name,
      settings: { trainingRetries: 0, rejoinWaitMs: 60_000, finalModelWaitMs: 10_000 },
      heartbeatFrequencyMs: 1_000,
      modelOverwrites: {},
      savePath: join(this.root, `client-${name}`),
      run: null,
      workdir: await openPlainWorkdir({
        root: this.shared,
        clock,
        logger: silentLogger,
        safetyPollMs: this.safetyPollMs,
      }),
      clock,
      logger: silentLogger,
      executor: numberExecutor(1),
      copyModel: copyNumber,
      onEvent: (event) => void this.events.push({ ...event, who: name }),
      signal: new AbortController().signal,
      ...overrides,
    });
  }

  /** Write a run's end by hand. */
  async endRun(run: string, text: string): Promise<void> {
    await writeFile(join(this.shared, run, 'server_ended.txt'), text);
  }

  eventsOf(who: string): readonly string[] {
    return this.events.filter((event) => event.who === who).map(({ event }) => event);
  }
}
