import fc from 'fast-check';
import { expect, it } from 'vitest';
import { runPaths } from '../../src/fl/round/run-folder.ts';
import type { ServerSettings } from '../../src/fl/round/settings.ts';
import {
  RUN,
  SimulatedClient,
  SimulatedServer,
  synchronise,
  World,
} from '../support/federation-simulation.ts';

const ROUNDS = 3;
const HEARTBEAT_TIMEOUT_MS = 60_000;
/** A busy machine runs fewer histories; a failure is looked at for as long. */
const TIME_LIMIT_MS = 20_000;

type Command =
  | { kind: 'server-step'; dieAfter: number }
  | { kind: 'client-step'; client: number; dieAfter: number }
  | { kind: 'server-effect'; pick: number }
  | { kind: 'client-effect'; client: number; pick: number }
  | { kind: 'sync'; site: number; pick: number; count: number }
  | { kind: 'beat'; client: number }
  | { kind: 'turn'; site: number }
  | { kind: 'client-forgets'; client: number }
  | { kind: 'wait'; ms: number }
  | { kind: 'server-restart'; offsetMs: number }
  | { kind: 'client-restart'; client: number; offsetMs: number }
  | { kind: 'client-dies'; client: number }
  | { kind: 'stop' };

const client = fc.nat(3);
const pick = fc.nat(20);
const offsetMs = fc.nat(1_000_000);
const dieAfter = fc.oneof({ weight: 5, arbitrary: fc.constant(99) }, { weight: 1, arbitrary: fc.nat(2) });
const kind = <const Name extends string>(name: Name) => fc.constant(name);
const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: kind('server-step'), dieAfter }) },
  { weight: 10, arbitrary: fc.record({ kind: kind('client-step'), client, dieAfter }) },
  { weight: 5, arbitrary: fc.record({ kind: kind('server-effect'), pick }) },
  { weight: 7, arbitrary: fc.record({ kind: kind('client-effect'), client, pick }) },
  { weight: 16, arbitrary: fc.record({ kind: kind('sync'), site: fc.nat(4), pick, count: fc.nat(4) }) },
  { weight: 4, arbitrary: fc.record({ kind: kind('beat'), client }) },
  { weight: 6, arbitrary: fc.record({ kind: kind('wait'), ms: fc.nat(12_000) }) },
  { weight: 40, arbitrary: fc.record({ kind: kind('turn'), site: fc.nat(4) }) },
  { weight: 1, arbitrary: fc.record({ kind: kind('client-forgets'), client }) },
  { weight: 1, arbitrary: fc.record({ kind: kind('server-restart'), offsetMs }) },
  { weight: 1, arbitrary: fc.record({ kind: kind('client-restart'), client, offsetMs }) },
);

interface Scene {
  readonly world: World;
  readonly server: SimulatedServer;
  readonly clients: readonly SimulatedClient[];
}

function stage(clientCount: number, settings: Partial<ServerSettings>): Scene {
  const world = new World();
  const server = new SimulatedServer(world, {
    roundsCount: ROUNDS,
    minimumClients: 2,
    maximumClients: 100,
    members: null,
    clientWaitTimeMs: 5_000,
    heartbeatTimeoutMs: HEARTBEAT_TIMEOUT_MS,
    rejoin: true,
    stragglers: { deadlineMs: null, share: 1, minimumUpdates: 1 },
    ...settings,
  });
  const patience = { trainingRetries: 0, rejoinWaitMs: 10_000_000, finalModelWaitMs: 10_000_000 };
  const clients = Array.from(
    { length: clientCount },
    (_, index) => new SimulatedClient(world, `Site_${index}`, patience),
  );
  return { world, server, clients };
}

/** All that one site can do now: hear, decide, finish what it began, tell. */
async function takeTurn(world: World, site: SimulatedServer | SimulatedClient): Promise<void> {
  synchronise(world, site.replica, 0, 1_000);
  await site.step();
  for (let effects = site.pending.length; effects > 0; effects -= 1) site.finishEffect(0);
  if ('beat' in site) site.beat();
  synchronise(world, site.replica, 0, 1_000);
}

async function perform({ world, server, clients }: Scene, what: Command): Promise<void> {
  const one = 'client' in what ? clients[what.client % clients.length] : undefined;
  switch (what.kind) {
    case 'server-step':
      return server.step(what.dieAfter);
    case 'client-step':
      return one?.step(what.dieAfter);
    case 'server-effect':
      return server.finishEffect(what.pick);
    case 'client-effect':
      return one?.finishEffect(what.pick);
    case 'sync': {
      const site = [server, ...clients][what.site % (clients.length + 1)] ?? server;
      synchronise(world, site.replica, what.pick, what.count);
      return;
    }
    case 'beat':
      return one?.beat();
    case 'turn':
      return takeTurn(world, [server, ...clients][what.site % (clients.length + 1)] ?? server);
    case 'client-forgets':
      return one?.forget();
    case 'wait':
      world.timeMs += what.ms;
      return;
    case 'server-restart':
      return server.restart(what.offsetMs);
    case 'client-restart':
      return one?.restart(what.offsetMs);
    case 'client-dies':
      if (one !== undefined) one.dead = true;
      return;
    case 'stop':
      server.stopAsked = true;
      return;
  }
}

/** From here on nothing goes wrong any more: everybody works, beats and syncs until all is over. */
async function settle({ world, server, clients }: Scene): Promise<boolean> {
  const turnsMax = 400;
  for (let turn = 0; turn < turnsMax; turn += 1) {
    if (server.ended && clients.every((each) => each.dead || each.ended)) return true;
    world.timeMs += 2_000;
    for (const each of [server, ...clients]) await takeTurn(world, each);
  }
  return false;
}

function checkEnd({ world, server, clients }: Scene): void {
  expect(world.faults).toEqual([]);
  expect(server.replica.text(runPaths.ended(RUN))).toBeTruthy();
  const { phase } = server.state.record;
  if (phase.kind === 'ended' && phase.ending.kind === 'finished') {
    expect([...server.aggregates.keys()].sort()).toEqual([1, 2, 3]);
    expect(server.replica.text(runPaths.aggregate(RUN, ROUNDS + 1))).toBe(server.aggregates.get(ROUNDS));
  }
  for (const each of clients)
    for (const [round, times] of each.trainings) {
      // Files may arrive in any order here: the final model before the word that it is final, and the end.
      // Its training is given up when they arrive; it must never count.
      expect(round).toBeLessThanOrEqual(ROUNDS + 1);
      // Only a death in the middle of a training repeats it.
      expect(times).toBeLessThanOrEqual(1 + each.restarts);
    }
}

const history = fc.array(command, { maxLength: 250, size: 'max' });
const lastWords = ({ world }: Scene) => world.log.slice(-20).join('\n');

it('always comes to its end, mixes no rounds and trains nothing twice, whatever dies and however files arrive', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 2, max: 4 }), history, async (count, commands) => {
      const scene = stage(count, {});
      for (const each of commands) await perform(scene, each);
      expect(await settle(scene), lastWords(scene)).toBe(true);
      checkEnd(scene);
      expect(scene.server.state.record.phase).toMatchObject({ ending: { kind: 'finished' } });
    }),
    { numRuns: 150, interruptAfterTimeLimit: TIME_LIMIT_MS },
  );
});

it('ends with a reason or without those who left, when participants go for good', async () => {
  const death = fc.record({ kind: kind('client-dies'), client: fc.nat(3) });
  const mortal = fc.array(fc.oneof({ weight: 30, arbitrary: command }, { weight: 1, arbitrary: death }), {
    maxLength: 250,
    size: 'max',
  });
  await fc.assert(
    fc.asyncProperty(mortal, fc.boolean(), async (commands, rejoin) => {
      const scene = stage(4, { rejoin });
      for (const each of commands) await perform(scene, each);
      await settle(scene);
      const { phase, participants } = scene.server.state.record;
      if (phase.kind === 'registering') {
        // Waiting is right as long as too few are alive to begin.
        const alive = Object.values(participants).filter(({ status }) => status === 'active');
        expect(alive.length).toBeLessThan(2);
        return;
      }
      expect(scene.server.ended, lastWords(scene)).toBe(true);
      checkEnd(scene);
    }),
    { numRuns: 150, interruptAfterTimeLimit: TIME_LIMIT_MS },
  );
});

it('closes rounds without the slow ones by deadline or share, and never below the minimum', async () => {
  const policy = fc.record({
    deadlineMs: fc.constantFrom(null, 30_000, 120_000),
    share: fc.constantFrom(0.5, 0.75, 1),
    minimumUpdates: fc.constantFrom(1, 2),
  });
  await fc.assert(
    fc.asyncProperty(policy, history, async (stragglers, commands) => {
      const scene = stage(4, { stragglers });
      for (const each of commands) await perform(scene, each);
      expect(await settle(scene), lastWords(scene)).toBe(true);
      checkEnd(scene);
    }),
    { numRuns: 100, interruptAfterTimeLimit: TIME_LIMIT_MS },
  );
});

it('a stop asked for at any moment ends everybody', async () => {
  await fc.assert(
    fc.asyncProperty(history, history, async (before, after) => {
      const scene = stage(3, {});
      for (const each of before) await perform(scene, each);
      await perform(scene, { kind: 'stop' });
      for (const each of after) await perform(scene, each);
      expect(await settle(scene), lastWords(scene)).toBe(true);
      checkEnd(scene);
    }),
    { numRuns: 80, interruptAfterTimeLimit: TIME_LIMIT_MS },
  );
});
