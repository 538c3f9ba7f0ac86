import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RoundError } from '../../../src/errors.ts';
import type { Aggregator } from '../../../src/fl/aggregate/aggregator.ts';
import type { ClientOutcome } from '../../../src/fl/client.ts';
import type { ParticipationOptions } from '../../../src/fl/participation.ts';
import type { FederationServerOptions, ServerOutcome } from '../../../src/fl/server.ts';
import { resultsFolder } from '../../../src/fl/transport/client-results.ts';
import type { Playground } from '../../support/federation.ts';
import { numberAggregator, numberExecutor, SETTINGS } from '../../support/federation.ts';

/** What a case may change of a server, whatever the transport. */
export type ServerChanges = Partial<
  Pick<
    FederationServerOptions,
    'settings' | 'aggregator' | 'inspect' | 'resume' | 'startPoint' | 'stripStartPoint'
  >
>;
export type ClientChanges = Partial<
  Pick<ParticipationOptions, 'executor' | 'settings' | 'signal' | 'heartbeatFrequencyMs' | 'savePath'>
>;

export interface ServerLife {
  readonly outcome: Promise<ServerOutcome>;
  stop(): void;
  park(): void;
}

/** One transport's way to bring a server and clients together. */
export interface TransportWorld {
  readonly ground: Playground;
  server(changes?: ServerChanges): Promise<ServerLife>;
  client(name: string, changes?: ClientChanges): Promise<ClientOutcome>;
  close(): Promise<void>;
}

/** Something that happens once and that others wait for. */
function gate() {
  let open: () => void = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open, opened };
}

const failing: Aggregator = {
  aggregate: async () => {
    throw new RoundError({ code: 'shape-mismatch', message: 'shapes differ' });
  },
};

/** What every transport of the federation promises. */
export function transportContract(name: string, open: () => Promise<TransportWorld>): void {
  describe(`a federation over ${name}`, () => {
    let world: TransportWorld;
    beforeEach(async () => {
      world = await open();
    });
    afterEach(() => world.close());

    const heard = (who: string, kind: string) =>
      world.ground.events.filter((event) => event.who === who && event.event === kind);

    it('ends with the same final model for everybody', async () => {
      const server = await world.server();
      const [outcome, a, b] = await Promise.all([
        server.outcome,
        world.client('Site A', { executor: numberExecutor(1) }),
        world.client('site_b', { executor: numberExecutor(3) }),
      ]);
      expect([outcome.ending?.kind, a.ending?.kind, b.ending?.kind]).toEqual(Array(3).fill('finished'));
      // Their own copies, wherever the server's stands.
      for (const [name, { finalModel, run }] of [
        ['Site A', a],
        ['site_b', b],
      ] as const) {
        const own = resultsFolder({ savePath: join(world.ground.root, `client-${name}`), name }, run ?? '');
        expect(finalModel).toBe(join(own, 'final.pt'));
      }
      const models = ['server', 'Site A', 'site_b'].map((who) => heard(who, 'ended')[0]);
      for (const ended of models)
        expect(ended?.event === 'ended' && (await readFile(ended.final_model ?? '', 'utf8'))).toBe('6');
      expect(heard('server', 'update-received')).toMatchObject(
        Array.from({ length: 6 }, () => ({
          metrics: { value: expect.any(Number) },
          samples: expect.any(Number),
        })),
      );
    });

    it('lets two clients share a save_path, each with a folder and a history of its own', async () => {
      const savePath = join(world.ground.root, 'shared-results');
      const server = await world.server();
      const [, ...outcomes] = await Promise.all([
        server.outcome,
        world.client('site_a', { executor: numberExecutor(1), savePath }),
        world.client('site_b', { executor: numberExecutor(3), savePath }),
      ]);
      expect(outcomes.map(({ ending }) => ending?.kind)).toEqual(['finished', 'finished']);
      for (const [folder, value] of [
        ['site_a', 1],
        ['site_b', 3],
      ] as const) {
        const own = join(savePath, outcomes[0]?.run ?? '', folder);
        const lines = (await readFile(join(own, 'history.jsonl'), 'utf8')).trimEnd().split('\n');
        const history = lines.map((line) => JSON.parse(line));
        const trained = history.filter(({ event }) => event === 'trained');
        expect(trained.map(({ round }) => round)).toEqual([1, 2, 3]);
        expect(trained[0]).toMatchObject({ metrics: { value } });
        expect(history.at(-1)).toMatchObject({ event: 'ended', success: true });
      }
    });

    it('gives everybody the start model', async () => {
      const startPoint = `${world.ground.root}/start.pt`;
      await writeFile(startPoint, '100');
      const stripStartPoint = async (source: string, output: string) =>
        writeFile(output, await readFile(source));
      const settings = { ...SETTINGS, roundsCount: 1 };
      const server = await world.server({ startPoint, stripStartPoint, settings });
      await Promise.all([server.outcome, world.client('a'), world.client('b')]);
      expect(heard('a', 'trained')).toMatchObject([{ metrics: { value: 101 } }]);
    });

    it('refuses whoever comes when registration is closed', async () => {
      const { open: release, opened } = gate();
      const executor = numberExecutor(1, () => opened);
      const server = await world.server();
      const both = [world.client('a', { executor }), world.client('b', { executor })];
      await expect.poll(() => heard('server', 'round-started'), { timeout: 10_000 }).toHaveLength(1);
      await expect(world.client('c')).rejects.toMatchObject({ code: 'refused' });
      release();
      await Promise.all([server.outcome, ...both]);
      expect(heard('server', 'registration-refused')).toHaveLength(1);
    });

    it('tells everybody when the server is stopped', async () => {
      const { opened } = gate();
      const executor = numberExecutor(1, async ({ signal }) => {
        await Promise.race([opened, new Promise((resolve) => signal.addEventListener('abort', resolve))]);
      });
      const server = await world.server();
      const both = [world.client('a', { executor }), world.client('b', { executor })].map((each) =>
        each.catch((error: unknown) => error),
      );
      await expect.poll(() => heard('b', 'training'), { timeout: 10_000 }).toHaveLength(1);
      server.stop();
      expect((await server.outcome).ending?.code).toBe('stopped-by-user');
      expect(await Promise.all(both)).toMatchObject([{ code: 'stopped' }, { code: 'stopped' }]);
    });

    it('goes on after the server was restarted, and trains nothing twice', async () => {
      const { open: release, opened } = gate();
      const executor = () =>
        numberExecutor(1, async ({ round }) => {
          if (round === 2) await opened;
        });
      const first = await world.server();
      const both = [world.client('a', { executor: executor() }), world.client('b', { executor: executor() })];
      await expect.poll(() => heard('a', 'round-started'), { timeout: 10_000 }).toHaveLength(2);
      first.park();
      expect((await first.outcome).ending).toBeNull();
      const second = await world.server();
      release();
      const [outcome] = await Promise.all([second.outcome, ...both]);
      expect(outcome.ending?.kind).toBe('finished');
      expect(heard('server', 'run-resumed')).toHaveLength(1);
      expect(heard('a', 'trained').map((event) => 'round' in event && event.round)).toEqual([1, 2, 3]);
    });

    it('takes a client back that left and was started again, and trains nothing twice', async () => {
      const { open: release, opened } = gate();
      const leave = new AbortController();
      const server = await world.server();
      const b = world.client('b', {
        executor: numberExecutor(1, async ({ round }) => {
          if (round === 1) await opened;
        }),
      });
      const left = world.client('a', { signal: leave.signal });
      await expect.poll(() => heard('a', 'uploaded'), { timeout: 10_000 }).toHaveLength(1);
      leave.abort();
      expect((await left).ending).toBeNull();
      const again = world.client('a');
      await expect.poll(() => heard('a', 'run-joined'), { timeout: 10_000 }).toHaveLength(2);
      release();
      const [outcome] = await Promise.all([server.outcome, again, b]);
      expect(outcome.ending?.kind).toBe('finished');
      expect(heard('a', 'trained').map((event) => 'round' in event && event.round)).toEqual([1, 2, 3]);
    });

    it('tells a client that its update cannot be used, and takes the next one', async () => {
      let looks = 0;
      const inspect = async () => {
        looks += 1;
        return looks === 1 ? { reason: 'not-finite', message: 'w holds NaN' } : null;
      };
      const settings = { ...SETTINGS, roundsCount: 1, minimumClients: 1, clientWaitTimeMs: 0 };
      const stragglers = { ...settings.stragglers, minimumUpdates: 1 };
      const server = await world.server({ inspect, settings: { ...settings, stragglers } });
      let step = 0;
      const executor = {
        train: (request: Parameters<ReturnType<typeof numberExecutor>['train']>[0]) => {
          step += 1;
          return numberExecutor(step).train(request);
        },
        evaluate: async () => ({}),
      };
      const retrying = { trainingRetries: 1, rejoinWaitMs: 60_000, finalModelWaitMs: 10_000 };
      const [outcome] = await Promise.all([
        server.outcome,
        world.client('a', { executor, settings: retrying }),
      ]);
      expect(outcome.ending?.kind).toBe('finished');
      expect(heard('a', 'update-refused')).toMatchObject([{ message: 'w holds NaN' }]);
      expect(heard('a', 'trained')).toHaveLength(2);
    });

    it('refuses the same unusable bytes as often as they come, so that their client gives up', async () => {
      const inspect = async () => ({ reason: 'not-finite', message: 'w holds NaN' });
      const server = await world.server({ inspect });
      const retrying = { trainingRetries: 1, rejoinWaitMs: 60_000, finalModelWaitMs: 10_000 };
      const others = world.client('b', { settings: retrying }).catch((reason: unknown) => reason);
      await expect(world.client('a', { settings: retrying })).rejects.toThrow(/w holds NaN/);
      expect(heard('a', 'trained')).toHaveLength(2);
      expect(heard('a', 'update-refused')).toHaveLength(2);
      server.stop();
      await Promise.all([server.outcome, others]);
    });

    it('goes on without a client whose training failed', async () => {
      const broken = {
        train: async () => {
          throw new RoundError({ code: 'training-failed', message: 'out of memory' });
        },
        evaluate: async () => ({}),
      };
      const settings = { ...SETTINGS, heartbeatTimeoutMs: 2_000 };
      const server = await world.server({ settings });
      const [outcome, , error] = await Promise.all([
        server.outcome,
        world.client('a'),
        world.client('b', { executor: broken }).catch((reason: unknown) => reason),
      ]);
      expect(outcome.ending?.kind).toBe('finished');
      expect(error).toMatchObject({ code: 'failed', message: expect.stringContaining('out of memory') });
    });

    it('B15: ends with the reason when aggregating fails, and can be resumed', async () => {
      const settings = { ...SETTINGS, roundsCount: 1 };
      const first = await world.server({ aggregator: failing, settings });
      const reasons = await Promise.all(
        ['a', 'b'].map((site) => world.client(site).catch((error: unknown) => error)),
      );
      expect((await first.outcome).ending).toMatchObject({ kind: 'failed', code: 'shape-mismatch' });
      expect(reasons).toMatchObject(
        Array(2).fill({ code: 'stopped', message: expect.stringContaining('shapes differ') }),
      );
      const second = await world.server({ aggregator: numberAggregator, settings, resume: 'newest' });
      expect((await second.outcome).ending?.kind).toBe('finished');
    });

    it('closes a round without a slow client, which goes on with the next one', async () => {
      const stragglers = { deadlineMs: 700, share: 1, minimumUpdates: 1 };
      const server = await world.server({ settings: { ...SETTINGS, roundsCount: 2, stragglers } });
      const slow = numberExecutor(9, async ({ round, signal }) => {
        if (round > 1) return;
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
      });
      const [outcome] = await Promise.all([
        server.outcome,
        world.client('fast'),
        world.client('slow', { executor: slow }),
      ]);
      expect(outcome.ending?.kind).toBe('finished');
      expect(heard('slow', 'training-abandoned')).toMatchObject([{ round: 1 }]);
      expect(heard('slow', 'uploaded')).toMatchObject([{ round: 2 }]);
    });
  });
}
