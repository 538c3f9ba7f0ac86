import { expect, it } from 'vitest';
import { runPaths } from '../../src/fl/round/run-folder.ts';
import { RUN, SimulatedClient, synchronise, World } from '../support/federation-simulation.ts';
import { PATIENCE, Stage } from '../support/federation-stage.ts';

// Each test is a fault that the reference implementation shows; the number is the one under which
// docs/federation.md lists them.

it('B1: a client that registers long after the start of the server is alive', async () => {
  const stage = new Stage();
  await stage.pass(600_000);
  await stage.begin('late_a', 'late_b');
  expect(stage.heard('participant-lost')).toEqual([]);
});

it('B2: heartbeats of a refused client harm nobody', async () => {
  const stage = new Stage();
  await stage.begin('a', 'b');
  stage.claim('too_late');
  await stage.pass(120_000, 'a', 'b', 'too_late', 'never_claimed');
  expect(stage.answerTo('too_late')).toBe('Error - Authentication failed... Registration is closed.');
  stage.deliver(1, 'a', 'b');
  await stage.look();
  expect(stage.server.aggregates.get(1)).toBe('aggregate 1 of a+b');
});

it('B3: an update of a client that died does not stand in for a slow one', async () => {
  const stage = new Stage();
  await stage.begin('dies', 'slow');
  stage.deliver(1, 'dies');
  await stage.pass(120_000, 'slow');
  expect(stage.folder.text(runPaths.lost(RUN, 'dies'))).toBe('lost connection on round 1');
  expect(stage.phase).toMatchObject({ kind: 'collecting', round: 1 });
  stage.deliver(1, 'slow');
  await stage.look();
  expect(stage.server.aggregates.get(1)).toBe('aggregate 1 of dies+slow');
});

it('B3: more files than clients do not stop the round', async () => {
  const stage = new Stage();
  await stage.begin('a', 'b');
  stage.deliver(1, 'a', 'b', 'stranger');
  await stage.look();
  expect(stage.server.aggregates.get(1)).toBe('aggregate 1 of a+b');
});

it('B4: with nobody left the run stops with the reason and its last good model', async () => {
  const stage = new Stage();
  await stage.begin('a', 'b');
  stage.deliver(1, 'a', 'b');
  await stage.look();
  await stage.pass(300_000);
  expect(stage.phase).toMatchObject({
    kind: 'ended',
    ending: { kind: 'failed', code: 'nobody-left', round: 2 },
  });
  expect(stage.folder.text(runPaths.ended(RUN))?.split('\n')[0]).toBe(
    'Training stopped: no participant is left in round 2',
  );
  expect([...stage.server.aggregates.keys()]).toEqual([1]);
  expect(stage.folder.text(runPaths.aggregate(RUN, 2))).toBe('aggregate 1 of a+b');
});

it('B5: an outage of the server longer than the timeout cuts nobody', async () => {
  const stage = new Stage();
  await stage.begin('a', 'b');
  stage.world.timeMs += 150_000;
  await stage.look();
  await stage.pass(30_000);
  expect(stage.heard('participant-lost')).toEqual([]);
  await stage.pass(60_000);
  expect(stage.heard('participant-lost')).toHaveLength(2);
});

it('B5: a restart of the server, and an outage of its mount, cut nobody', async () => {
  const stage = new Stage();
  await stage.begin('a', 'b');
  stage.world.timeMs += 500_000;
  stage.server.restart(3_000_000);
  await stage.look();
  stage.folder.isConnected = false;
  await stage.pass(300_000);
  stage.folder.isConnected = true;
  await stage.pass(30_000);
  expect(stage.heard('participant-lost')).toEqual([]);
});

it('B6: a client that was restarted takes its place again and delivers', async () => {
  const stage = new Stage();
  await stage.begin('a', 'b');
  const client = new SimulatedClient(stage.world, 'a', PATIENCE);
  synchronise(stage.world, stage.folder, 0, 1_000);
  synchronise(stage.world, client.replica, 0, 1_000);
  for (let turn = 0; turn < 4; turn += 1) {
    await client.step();
    client.finishEffect(0);
  }
  synchronise(stage.world, client.replica, 0, 1_000);
  synchronise(stage.world, stage.folder, 0, 1_000);
  expect(stage.folder.text(runPaths.update(RUN, 1, 'a'))).toBe('update a r1 try1 from nothing');
  expect(stage.answerTo('a')).toMatch(/^Authenticated/);
});

it("B6: claiming one's own name again is answered again", async () => {
  const stage = new Stage();
  await stage.begin('a', 'b');
  stage.claim('a');
  await stage.look();
  expect(stage.answerTo('a')).toMatch(/^Authenticated/);
});

it('B7: of many that come at once no more than the maximum are admitted', async () => {
  const stage = new Stage({ maximumClients: 2 });
  stage.claim('c1', 'c2', 'c3', 'c4', 'c5');
  await stage.look();
  const answers = ['c1', 'c2', 'c3', 'c4', 'c5'].map((name) => stage.answerTo(name).split(' ')[0]);
  expect(answers).toEqual(['Authenticated', 'Authenticated', 'Error', 'Error', 'Error']);
});

it('B8: names that differ in case only, and names with dots, are refused', async () => {
  const stage = new Stage();
  stage.claim('Lab', 'lab', 'lab.eu', 'server');
  await stage.look();
  expect(stage.answerTo('Lab')).toMatch(/^Authenticated/);
  expect(stage.answerTo('lab')).toMatch(/^Error - .*taken/);
  expect(stage.answerTo('lab.eu')).toMatch(/^Error - .*dots/);
  expect(stage.answerTo('server')).toMatch(/^Error/);
});

it('B9: one account takes part once, one name belongs to one account', async () => {
  const stage = new Stage();
  const claimAs = (name: string, id: string) => {
    const account = { id, name: 'Same Display Name' };
    const version = stage.world.nextVersion();
    const path = runPaths.authentication(RUN, 'documented', name);
    stage.folder.files.set(path, { content: '', version, createdBy: account, modifiedBy: account });
  };
  claimAs('first', '11');
  claimAs('second', '11');
  claimAs('third', '22');
  await stage.look();
  expect(stage.answerTo('first')).toMatch(/^Authenticated/);
  expect(stage.answerTo('second')).toMatch(/^Error - .*takes part as first/);
  expect(stage.answerTo('third')).toMatch(/^Authenticated/);
  claimAs('first', '22');
  await stage.look();
  expect(stage.answerTo('first')).toMatch(/^Error - .*taken/);
});

it('Q3: whom the aggregator cannot count is refused when it comes, not when its update does', async () => {
  const stage = new Stage({ members: new Set(['lab', 'site_b']) });
  stage.claim('Lab', 'stranger');
  await stage.look();
  expect(stage.answerTo('Lab')).toMatch(/^Authenticated/);
  expect(stage.answerTo('stranger')).toMatch(/^Error - .*stranger is not among the participants/);
  stage.claim('site_b');
  await stage.pass(14_000, 'Lab', 'site_b');
  expect(stage.heard('registration-closed')).toEqual([
    expect.stringContaining('"participants":["Lab","site_b"]'),
  ]);
});

it('B9: a name that somebody else claimed in vain is still its owner’s', async () => {
  const stage = new Stage();
  const path = runPaths.authentication(RUN, 'documented', 'lab');
  const claimAs = async (id: string) => {
    const account = { id, name: `user ${id}` };
    const version = stage.world.nextVersion();
    stage.folder.files.set(path, { content: '', version, createdBy: account, modifiedBy: account });
    await stage.look();
    return stage.answerTo('lab');
  };
  expect(await claimAs('11')).toMatch(/^Authenticated/);
  expect(await claimAs('22')).toMatch(/^Error - .*taken/);
  expect(await claimAs('11')).toMatch(/^Authenticated/);
  expect(stage.heard('registration-refused')).toHaveLength(1);
});

it("B9: an update that another participant's account wrote is refused and reported", async () => {
  const stage = new Stage();
  const write = (path: string, id: string, content: string) => {
    const account = { id, name: `user ${id}` };
    stage.folder.files.set(path, {
      content,
      version: stage.world.nextVersion(),
      createdBy: account,
      modifiedBy: account,
    });
  };
  write(runPaths.authentication(RUN, 'documented', 'a'), '11', '');
  write(runPaths.authentication(RUN, 'documented', 'b'), '22', '');
  await stage.look();
  for (let turn = 0; turn < 7; turn += 1) {
    stage.world.timeMs += 2_000;
    await stage.look();
  }
  write(runPaths.update(RUN, 1, 'a'), '22', 'update a r1 from nothing');
  write(runPaths.update(RUN, 1, 'b'), '22', 'update b r1 from nothing');
  await stage.look();
  expect(stage.phase).toMatchObject({ kind: 'collecting', round: 1 });
  expect(stage.heard('foreign-file')).toHaveLength(1);
  write(runPaths.update(RUN, 1, 'a'), '11', 'update a r1 from nothing');
  await stage.look();
  expect(stage.server.aggregates.get(1)).toBe('aggregate 1 of a+b');
});

it('B9: a client whose update was written over by another account delivers its own again', async () => {
  const world = new World();
  const account = { id: '11', name: 'site a' };
  const client = new SimulatedClient(world, 'a', PATIENCE, account);
  const { replica } = client;
  replica.folders.add(`${RUN}/authentications`).add(`${RUN}/heartbeats`);
  replica.put(runPaths.task(RUN), '{}');
  const work = async (): Promise<void> => {
    for (let turn = 0; turn < 4; turn += 1) {
      await client.step();
      client.finishEffect(0);
    }
  };
  await client.step();
  replica.put(runPaths.authentication(RUN, 'documented', 'a'), 'Authenticated - Token 11');
  replica.put(runPaths.noStartModel(RUN, 1), '');
  await work();
  const path = runPaths.update(RUN, 1, 'a');
  const own = replica.text(path);
  expect(own).toBe('update a r1 try1 from nothing');
  replica.files.set(path, {
    content: 'poison',
    version: world.nextVersion(),
    createdBy: account,
    modifiedBy: { id: '22', name: 'somebody else' },
  });
  await work();
  expect(replica.text(path)).toBe(own);
  expect(world.log.filter((line) => line.includes('somebody else wrote over'))).toHaveLength(1);
});

it('B11: the end is written before the final model, and no client trains on that', async () => {
  const stage = new Stage({ roundsCount: 1, minimumClients: 1 });
  await stage.begin('a');
  stage.deliver(1, 'a');
  await stage.look();
  await stage.look();
  const ended = stage.folder.files.get(runPaths.ended(RUN));
  const final = stage.folder.files.get(runPaths.aggregate(RUN, 2));
  expect(ended?.content).toMatch(/^Training finished \d/);
  expect(final?.version).toBeGreaterThan(ended?.version ?? Number.POSITIVE_INFINITY);
  const client = new SimulatedClient(stage.world, 'a', PATIENCE);
  synchronise(stage.world, stage.folder, 0, 1_000);
  synchronise(stage.world, client.replica, 0, 1_000);
  await client.step();
  expect(client.state.ending).toMatchObject({ kind: 'finished', finalRound: 2 });
  expect(client.trainings.size).toBe(0);
});

it('B12: a participant that died holds nobody up once it counts as lost', async () => {
  const stage = new Stage();
  await stage.begin('a', 'b', 'dead');
  stage.deliver(1, 'a', 'b');
  await stage.pass(50_000, 'a', 'b');
  expect(stage.phase).toMatchObject({ kind: 'collecting', round: 1 });
  await stage.pass(30_000, 'a', 'b');
  expect(stage.server.aggregates.get(1)).toBe('aggregate 1 of a+b');
});

it('B13: whoever gives up last lets the round close at once', async () => {
  const stage = new Stage();
  await stage.begin('a', 'b', 'gives_up');
  stage.deliver(1, 'a', 'b');
  await stage.look();
  expect(stage.phase).toMatchObject({ kind: 'collecting', round: 1 });
  stage.folder.put(runPaths.failed(RUN, 1, 'gives_up'), '{}');
  await stage.look();
  expect(stage.server.aggregates.get(1)).toBe('aggregate 1 of a+b');
});

it('B14: a lost participant that claims its name again is alive from then on', async () => {
  const stage = new Stage();
  await stage.begin('a', 'b');
  await stage.pass(90_000, 'a');
  expect(stage.heard('participant-lost')).toHaveLength(1);
  stage.claim('b');
  stage.beat('b');
  await stage.look();
  expect(stage.answerTo('b')).toMatch(/^Authenticated/);
  await stage.pass(50_000, 'a');
  expect(stage.heard('participant-lost')).toHaveLength(1);
  stage.deliver(1, 'a', 'b');
  await stage.look();
  expect(stage.server.aggregates.get(1)).toBe('aggregate 1 of a+b');
});
